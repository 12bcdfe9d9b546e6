package codec

import (
	"errors"
	"fmt"
	"reflect"
)

// Errors to test with errors.Is.
var (
	// ErrUnregistered is wrapped by every [UnregisteredError].
	ErrUnregistered = errors.New("type not registered")
	// ErrClash means that a name or a type is registered already, differently.
	ErrClash = errors.New("registration clash")
	// ErrMalformed means that bytes are not the encoding of the type they claim to be.
	ErrMalformed = errors.New("malformed message")
	// ErrTooLarge means that a body is larger than its type allows.
	ErrTooLarge = errors.New("message too large")
	// ErrTooDeep means that a message nests deeper than [MaxDepth].
	ErrTooDeep = errors.New("message nested too deep")
	// ErrDenied means that whoever sent a message lacks a right that its type
	// demands.
	ErrDenied = errors.New("message not permitted")
)

// DeniedError says which rights the sender of a message lacks. It matches [ErrDenied].
type DeniedError struct {
	// Name is that of the type.
	Name    string
	Lacking Right
}

// Error names the type and the rights.
func (e *DeniedError) Error() string {
	return fmt.Sprintf("decode %s: %v: its sender lacks the right to %v", e.Name, ErrDenied, e.Lacking)
}

// Unwrap returns [ErrDenied].
func (e *DeniedError) Unwrap() error { return ErrDenied }

// UnregisteredError says which type or name a registry doesn't know, and the cure.
// It matches [ErrUnregistered].
type UnregisteredError struct {
	// Type is the Go type that was to be encoded; nil when a name was to be decoded.
	Type reflect.Type
	// Name is the name that was to be decoded; empty when a type was to be encoded.
	Name string
}

// Error names the type or name and how to register it.
func (e *UnregisteredError) Error() string {
	if e.Type == nil {
		return fmt.Sprintf("no type is registered under the name %q: call codec.Register[YourType](reg, %q) on the registry of this system", e.Name, e.Name)
	}
	hint := ""
	if e.Type.Kind() == reflect.Pointer {
		hint = fmt.Sprintf(" (or send a %v instead of a pointer to it)", e.Type.Elem())
	}
	return fmt.Sprintf("type %v is not registered: call codec.Register[%v](reg, \"a.stable.name.v1\") on the registry of this system%s", e.Type, e.Type, hint)
}

// Unwrap returns [ErrUnregistered].
func (e *UnregisteredError) Unwrap() error { return ErrUnregistered }
