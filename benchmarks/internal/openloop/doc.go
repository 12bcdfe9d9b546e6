// Package openloop drives a system at a fixed rate, whatever becomes of what was sent
// before, and says how long each took from when it was due. A sender that is held up so
// makes the figures worse and not better: that is the correction for coordinated
// omission.
package openloop
