package testca_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/troupe-go/troupe/internal/testca"
	"github.com/troupe-go/troupe/remote"
)

func Example() {
	path, err := os.MkdirTemp("", "node")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(path) }()
	ca, dir := testca.New("127.0.0.1", "n1.shop.internal"), testca.Dir(path)
	if err := errors.Join(dir.Trust(ca), dir.Show(ca.Issue())); err != nil {
		fmt.Println(err)
		return
	}
	keys, err := remote.LoadKeys(dir.Files())
	fmt.Println("a good one:", keys != nil, err)

	_, err = ca.Issue(testca.Until(time.Now().Add(-time.Minute))).Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool()})
	fmt.Println("an expired one holds:", err == nil)
	_, err = testca.New("127.0.0.1").Issue().Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool()})
	fmt.Println("one of others holds:", err == nil)
	// Output:
	// a good one: true <nil>
	// an expired one holds: false
	// one of others holds: false
}
