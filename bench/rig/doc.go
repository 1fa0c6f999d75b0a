// Package rig starts what a benchmark measures, and what that needs: real
// processes of Plateq, redis-server and PostgreSQL on free loopback ports. All
// of them end with the program that started them, however that ends.
package rig
