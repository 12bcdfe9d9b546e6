package actor

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPassingRefsAreForgottenAndTheSameWhileHeld(t *testing.T) {
	var refs remoteRefs
	ref := func(name string) *process {
		return refs.intern(Location{Addr: "b:1", Path: tempPrefix + name}, func() *process { return &process{t: &remoteTarget{}} })
	}
	held := ref("held")
	for n := range 10 * passingLeast {
		ref(strconv.Itoa(n))
		if n%passingLeast == passingLeast/2 {
			runtime.GC()
		}
		require.Less(t, len(refs.m), 3*passingLeast)
	}
	require.Same(t, held, ref("held"))
}
