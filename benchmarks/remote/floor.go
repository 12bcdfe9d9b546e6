package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// Kinds of frames of the floor: a length, a kind, a body.
const (
	frameOneWay   = 'w'
	frameAnswered = 'r' // comes back as it is
)

// floor is a bare TCP connection.
type floor struct {
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
}

func serveFloor() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go echoFloor(&floor{conn, bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)})
		}
	}()
	return l.Addr().String(), nil
}

func echoFloor(f *floor) {
	buf := make([]byte, 128<<10)
	for {
		frame, err := f.read(buf)
		if err != nil {
			return
		}
		if frame[4] == frameAnswered {
			if _, err := f.out.Write(frame); err != nil {
				return
			}
		}
		if f.in.Buffered() == 0 && f.out.Flush() != nil {
			return
		}
	}
}

// read returns the next frame, with its length.
func (f *floor) read(buf []byte) ([]byte, error) {
	if _, err := io.ReadFull(f.in, buf[:4]); err != nil {
		return nil, err
	}
	n := 4 + int(binary.BigEndian.Uint32(buf))
	_, err := io.ReadFull(f.in, buf[4:n])
	return buf[:n], err
}

func dialFloor(addr string) (*floor, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &floor{conn, bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)}, nil
}

func frameOf(kind byte, size int) []byte {
	b := make([]byte, 4+1+8+size)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	b[4] = kind
	return b
}

func (f *floor) oneWay(n, size, window int) (time.Duration, error) {
	plain, last := frameOf(frameOneWay, size), frameOf(frameAnswered, size)
	buf := make([]byte, len(last))
	begun := time.Now()
	for i := 1; i <= n; i++ {
		answered := i == n || window > 0 && i%window == 0
		b := plain
		if answered {
			b = last
		}
		if _, err := f.out.Write(b); err != nil {
			return 0, err
		}
		if answered {
			if err := f.out.Flush(); err != nil {
				return 0, err
			}
			if _, err := f.read(buf); err != nil {
				return 0, err
			}
		}
	}
	return time.Since(begun), nil
}

func (f *floor) rounds(n, atOnce int, _ bool) (time.Duration, error) {
	room := make(chan struct{}, atOnce)
	var failed error
	var readers sync.WaitGroup
	begun := time.Now()
	readers.Go(func() {
		buf := make([]byte, 1<<10)
		for range n {
			if _, failed = f.read(buf); failed != nil {
				_ = f.conn.Close() // so that writing fails too
				close(room)
				return
			}
			<-room
		}
	})
	b := frameOf(frameAnswered, 16)
	for range n {
		select {
		case room <- struct{}{}:
		default:
			if err := f.out.Flush(); err != nil {
				return 0, err
			}
			room <- struct{}{}
		}
		if _, err := f.out.Write(b); err != nil {
			return 0, err
		}
	}
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	readers.Wait()
	return time.Since(begun), failed
}
