//go:build !linux

package main

import "syscall"

// attackerHost is where the attacker comes from: there is one address only, so the bounds
// for one host are those of the nodes, too.
const attackerHost = "127.0.0.1"

// giveWay has this process run at the lowest priority.
func giveWay() error { return syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) }
