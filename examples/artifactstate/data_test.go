package main

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
)

// solo is a cluster of one entity node that serves HTTP, too.
type solo struct {
	*process
	places
	base string
}

// startSolo starts one, whose first seed is the address i of p.
func startSolo(t *testing.T, p places, i int, more ...string) *solo {
	t.Helper()
	args := append([]string{
		"-node", roleEntity, "-listen", p.listen[i], "-seeds", p.listen[i], "-http", p.http[0], "-data", p.data, "-drain", "0s",
	}, more...)
	return &solo{process: spawn(t, fmt.Sprintf("entity-%d", i), args...), places: p, base: "http://" + p.http[0]}
}

func (s *solo) awaitReady(t *testing.T) {
	t.Helper()
	until(t, 20*time.Second, "ready", func() error {
		if code, body := s.get("/ready"); code != http.StatusOK {
			return errors.New(body)
		}
		return nil
	})
}

// get returns status and body; 0 and the error where there is no answer.
func (s *solo) get(path string) (int, string) { return answer(http.Get(s.base + path)) }

// set marks an artifact as read.
func (s *solo) set(artifact int) (int, string) {
	return answer(http.Post(s.base+"/artifactState/setArtifactReadByUser", "application/json",
		strings.NewReader(fmt.Sprintf(`{"artifactId":%d,"userId":"M"}`, artifact))))
}

func answer(resp *http.Response, err error) (int, string) {
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, fmt.Sprint(string(body), err)
}

// succeeds and fails say what becomes of a set.
func (s *solo) succeeds(t *testing.T, artifact int) {
	t.Helper()
	code, body := s.set(artifact)
	require.Equal(t, http.StatusOK, code, body)
}

func (s *solo) fails(t *testing.T, artifact int) {
	t.Helper()
	code, body := s.set(artifact)
	require.Equal(t, http.StatusServiceUnavailable, code, body)
}

func (s *solo) unready(t *testing.T, says string) {
	t.Helper()
	until(t, 10*time.Second, "it says that it isn't ready", func() error {
		if code, body := s.get("/ready"); code != http.StatusServiceUnavailable || !strings.Contains(body, says) {
			return errors.New(body)
		}
		return nil
	})
}

func TestASecondClusterIsRefusedTheDataFile(t *testing.T) {
	takesTime(t)
	p, q := newPlaces(t), newPlaces(t)
	q.data = p.data
	first := startSolo(t, p, 0)
	first.awaitReady(t)
	first.succeeds(t, 1)

	name := "artifactstate@" + p.listen[0]
	for _, args := range [][]string{q.flags(), {"-node", roleEntity, "-listen", q.listen[0], "-seeds", q.listen[0], "-data", p.data}} {
		second := spawn(t, "second", args...)
		second.awaitExit(t, 10*time.Second, launch.ExitConfig)
		require.Contains(t, second.out.String(), "belongs to the cluster "+name)
		require.Contains(t, second.out.String(), "-take-over-from "+name)
	}
	first.succeeds(t, 2)

	// By hand; what still runs of the first one ends with its next write.
	heir := startSolo(t, q, 0, "-take-over-from", name)
	heir.awaitReady(t)
	heir.succeeds(t, 1)
	first.fails(t, 2_000)
	first.awaitExit(t, 20*time.Second, launch.ExitDowned)
	require.Contains(t, first.out.String(), "another cluster has taken the data file over")
	again := startSolo(t, p, 0)
	again.awaitExit(t, 10*time.Second, launch.ExitConfig)
}

func TestNothingIsAcknowledgedAfterTheDataFolderWasRemoved(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	p.data = filepath.Join(filepath.Dir(p.data), "folder", "data.db")
	s := startSolo(t, p, 0)
	s.awaitReady(t)
	s.succeeds(t, 1)
	require.NoError(t, os.RemoveAll(filepath.Dir(p.data)))
	for artifact := range 20 {
		s.fails(t, artifact*1000)
	}
	s.unready(t, "was removed or moved")

	// A node that is started now has an empty journal. It is not let in.
	late := spawn(t, "late", "-node", roleEntity, "-listen", p.listen[1], "-seeds", p.listen[0], "-data", p.data)
	late.awaitExit(t, 20*time.Second, launch.ExitConfig)
	require.Contains(t, late.out.String(), "artifactstate.journal")
}

func TestANodeWithAnotherDataFileIsNotLetIn(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	s := startSolo(t, p, 0)
	s.awaitReady(t)
	other := spawn(t, "other", "-node", roleEntity, "-listen", p.listen[1], "-seeds", p.listen[0], "-data", filepath.Join(t.TempDir(), "other.db"))
	other.awaitExit(t, 20*time.Second, launch.ExitConfig)
	require.Contains(t, other.out.String(), "artifactstate.journal")
}

// The clock of the node that forms the cluster again is an hour behind: the file
// was written by a cluster whose stamp is an hour ahead of it.
func TestAClockThatIsBehindDoesNotLockOldKeys(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	s := startSolo(t, p, 0)
	s.awaitReady(t)
	s.succeeds(t, 1)
	s.signal(syscall.SIGTERM)
	s.awaitExit(t, 20*time.Second, launch.ExitLeft)

	db, err := sql.Open("sqlite", p.data)
	require.NoError(t, err)
	ahead := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(time.Hour).UnixNano()))
	_, err = db.Exec("UPDATE head SET fence = ?", append(ahead, bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 1}, 2)...))
	require.NoError(t, err)
	require.NoError(t, db.Close())

	again := startSolo(t, p, 0)
	again.awaitReady(t)
	code, body := again.get("/artifactState/getAllStates?artifactId=1&userId=M")
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, `"artifactRead":true`)
	code, body = answer(http.Post(again.base+"/artifactState/setArtifactAddedToUserFeed", "application/json", strings.NewReader(`{"artifactId":1,"userId":"M"}`)))
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, again.out.String(), "the clock of this node is 1h0m0s behind the stamp of the cluster")
}

// The node that forms the cluster has no data file, so it doesn't know better
// than its clock.
func TestANodeWhoseJournalIsAheadOfTheClusterSaysSo(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	s := startSolo(t, p, 0)
	s.awaitReady(t)
	s.succeeds(t, 1)
	s.signal(syscall.SIGTERM)
	s.awaitExit(t, 20*time.Second, launch.ExitLeft)
	db, err := sql.Open("sqlite", p.data)
	require.NoError(t, err)
	ahead := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(time.Hour).UnixNano()))
	_, err = db.Exec("UPDATE journal SET owner = ''; UPDATE head SET fence = ?", append(ahead, make([]byte, 16)...))
	require.NoError(t, err)
	require.NoError(t, db.Close())

	spawn(t, "endpoint", "-node", roleEndpoint, "-listen", p.listen[3], "-seeds", p.listen[3], "-http", p.http[1])
	node := spawn(t, "entity", "-node", roleEntity, "-listen", p.listen[0], "-seeds", p.listen[3], "-data", p.data)
	node.awaitExit(t, 20*time.Second, launch.ExitConfig)
	require.Contains(t, node.out.String(), "older than the newest that the data file has seen")
}

func TestNodesThatListenAtHostNamesFormACluster(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	for i, a := range p.listen {
		_, port, err := net.SplitHostPort(a)
		require.NoError(t, err)
		p.listen[i] = net.JoinHostPort("localhost", port)
	}
	spawn(t, "launcher", p.flags()...)
	p.awaitUp(t, 0, p.listen...)
}
