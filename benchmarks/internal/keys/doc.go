// Package keys has the processes of a benchmark talk over TLS, by one certificate that
// lives as long as the run.
package keys
