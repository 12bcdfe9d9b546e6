package netfault_test

import (
	"fmt"
	"io"
	"net"

	"github.com/troupe-go/troupe/testkit/netfault"
)

func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("hello, slowly"))
			_ = c.Close()
		}
	}()
	defer l.Close()

	p, err := netfault.Start("127.0.0.1:0", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	p.Set(netfault.Faults{Back: netfault.Direction{Slice: 1, Rate: 1000}})

	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	said, err := io.ReadAll(c)
	fmt.Println(string(said), err)
	// Output: hello, slowly <nil>
}
