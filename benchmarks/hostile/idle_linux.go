package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// attackerHost is where the attacker comes from.
const attackerHost = "127.0.0.2"

// schedIdle is the policy for what runs when nothing else wants to. Whoever has it is
// made to wait by everybody else, and needs no right to choose it.
const schedIdle = 5

// givenWayEnv is set once it was tried.
const givenWayEnv = "TROUPE_BENCH_GIVEN_WAY"

// giveWay has all threads of this process run at the lowest priority. A policy is that of
// a thread and is inherited by those that it starts, so the program begins anew, with the
// thread that has it as its first and only one.
func giveWay() error {
	if os.Getenv(givenWayEnv) != "" {
		if policy, _, _ := syscall.RawSyscall(syscall.SYS_SCHED_GETSCHEDULER, 0, 0, 0); policy != schedIdle {
			fmt.Fprintln(os.Stderr, "hostile: the kernel has no SCHED_IDLE for the attacker, it runs with nice 19: what it costs itself is part of the figures")
		}
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) // said above when neither counts
	var param struct{ priority int32 }
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, 0, schedIdle, uintptr(unsafe.Pointer(&param)))
	return syscall.Exec(self, os.Args, append(os.Environ(), givenWayEnv+"=1"))
}
