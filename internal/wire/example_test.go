package wire_test

import (
	"fmt"

	"github.com/troupe-go/troupe/internal/wire"
)

func Example() {
	b := wire.AppendString(nil, "alice")
	b = wire.AppendUvarint(b, 3)

	r := wire.NewReader(b)
	name, age := r.String(), r.Uvarint()
	fmt.Println(name, age, r.Done())

	r = wire.NewReader(b[:3])
	_ = r.String()
	fmt.Println(r.Err())
	// Output:
	// alice 3 <nil>
	// malformed wire data at offset 1: length 5 of 2 bytes left
}
