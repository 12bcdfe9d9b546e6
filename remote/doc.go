// Package remote carries messages between actor systems.
package remote
