-- +goose Up

-- traceparent: the span of the request that brought the batch, as W3C Trace
-- Context writes it; empty: nobody traced it.
ALTER TABLE batches ADD COLUMN traceparent text NOT NULL DEFAULT '';
