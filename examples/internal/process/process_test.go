package process_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/process"
)

func TestMain(m *testing.M) { process.Run(m, program) }

// program says hello and waits to be ended.
func program() {
	fmt.Println("hello", os.Args[1])
	if os.Args[1] == "short" {
		os.Exit(4)
	}
	<-time.After(time.Hour)
}

func TestProcess(t *testing.T) {
	long, short := process.Start(t, "long"), process.Start(t, "short")
	require.Equal(t, "long", long.Line(`hello (\w+)`))
	require.Equal(t, "hello short", short.Line(`hello`))
	require.Equal(t, 4, short.Wait())
	require.Equal(t, -1, long.Interrupt(), "it listens to no signal")
	again := process.Start(t, "again")
	again.Kill()
}

// A test starts the program and waits for what it prints.
func Example() {
	test := func(t *testing.T) {
		p := process.Start(t, "world")
		p.Line("hello world")
		p.Interrupt()
	}
	_ = test
}
