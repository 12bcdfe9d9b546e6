// Package process runs a program as a process of its own in a test, and reads
// what it prints.
//
// The program is the test's own binary, started again: TestMain calls [Run],
// which in such a process runs main instead of the tests. [Start] starts one;
// [Process.Line] waits for a line of it, [Process.Interrupt] and [Process.Kill]
// end it. Whatever still runs when the test ends is killed.
package process
