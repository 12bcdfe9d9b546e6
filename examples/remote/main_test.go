package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const child = "TROUPE_EXAMPLE_REMOTE"

// TestMain is also the program itself, so that the test needs no compiler.
func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// terminal is one process.
type terminal struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan string
	cmd   *exec.Cmd
}

func open(t *testing.T, args ...string) *terminal {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), child+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	term := &terminal{t: t, in: in, lines: make(chan string, 100), cmd: cmd}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			term.lines <- s.Text()
		}
		close(term.lines)
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return term
}

func (term *terminal) line() string {
	term.t.Helper()
	select {
	case l, ok := <-term.lines:
		require.True(term.t, ok, "the process has ended")
		return l
	case <-time.After(time.Minute):
		term.t.Fatal("nothing was printed")
		return ""
	}
}

func (term *terminal) typeIn(text string) {
	_, err := io.WriteString(term.in, text+"\n")
	require.NoError(term.t, err)
}

func TestTwoTerminals(t *testing.T) {
	for title, more := range map[string][]string{"plain": nil, "TLS": {"-tls", filepath.Join(t.TempDir(), "keys")}} {
		t.Run(title, func(t *testing.T) {
			ada := open(t, append([]string{"-name", "ada"}, more...)...)
			addr, ok := strings.CutPrefix(ada.line(), "listening at ")
			require.True(t, ok)
			bert := open(t, append([]string{"-name", "bert", "-peer", addr}, more...)...)
			require.Contains(t, bert.line(), "listening at ")
			require.Equal(t, `* "bert" is here`, ada.line())
			require.Equal(t, `* "ada" is here`, bert.line())
			ada.typeIn("hello, there")
			require.Equal(t, `"ada": "hello, there"`, bert.line())
			bert.typeIn("\x1b[31mhello")
			require.Equal(t, `"bert": "\x1b[31mhello"`, ada.line())
			require.NoError(t, bert.in.Close())
			require.Equal(t, `* "bert" has left`, ada.line())
			require.NoError(t, bert.cmd.Wait())
			require.NoError(t, ada.in.Close())
		})
	}
}
