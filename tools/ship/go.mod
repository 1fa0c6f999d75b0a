module github.com/plateq/plateq/tools/ship

go 1.26.0
