package codec_test

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/codec"
)

type Deposit struct {
	Account string `msgpack:"account"`
	Amount  int    `msgpack:"amount"`
}

func Example() {
	reg := codec.NewRegistry()
	if err := codec.Register[Deposit](reg, "bank.Deposit.v1"); err != nil {
		fmt.Println(err)
		return
	}
	scope := codec.Scope{Registry: reg}
	name, body, err := reg.Encode(scope, nil, Deposit{"ada", 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	msg, err := reg.Decode(scope, name, body)
	fmt.Println(name, msg, err)
	// Output: bank.Deposit.v1 {ada 10} <nil>
}

var errSoldOut = errors.New("sold out")

func ExampleRegisterError() {
	reg := codec.NewRegistry()
	fmt.Println(codec.RegisterError(reg, "shop.SoldOut.v1", errSoldOut))
	fmt.Println(reg.ErrorNames(fmt.Errorf("till 3: %w", errSoldOut)))
	// Output:
	// <nil>
	// [shop.SoldOut.v1]
}
