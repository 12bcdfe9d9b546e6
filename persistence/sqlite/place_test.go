package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/sqlite"
)

// settled opens a store in a folder of its own, with one event in it.
func settled(t *testing.T) (s *sqlite.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data", "journal.db")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	s = open(t, path, sqlite.Config{})
	require.NoError(t, s.Append(context.Background(), "x", actor.Epoch{}, one(1)))
	return s, path
}

// refuses says that nothing is acknowledged and nothing is read, in so many words.
func refuses(t *testing.T, s *sqlite.Store, says string) {
	t.Helper()
	ctx := context.Background()
	_, claim := s.Claim(ctx, "x", actor.Epoch{})
	_, highest := s.HighestSeq(ctx, "x")
	_, snapshot := s.LoadSnapshot(ctx, "x", persistence.SeqMax)
	var replay error
	for _, err := range s.Replay(ctx, "x", 1, persistence.SeqMax) {
		replay = err
	}
	for _, err := range []error{
		s.Append(ctx, "x", actor.Epoch{}, one(2)), claim, highest, snapshot, replay, s.Err(),
		s.SaveSnapshot(ctx, persistence.Snapshot{PersistenceID: "x", Seq: 1, Name: "n"}),
	} {
		require.ErrorIs(t, err, persistence.ErrUnavailable)
		require.ErrorContains(t, err, says)
	}
}

func TestAStoreThatIsNoLongerAtItsPathFails(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(t *testing.T, path string)
		says string
	}{
		"the folder is removed": {func(t *testing.T, path string) { require.NoError(t, os.RemoveAll(filepath.Dir(path))) }, "was removed or moved"},
		"the folder is moved": {func(t *testing.T, path string) {
			require.NoError(t, os.Rename(filepath.Dir(path), filepath.Dir(path)+"2"))
		}, "was removed or moved"},
		"the file is removed":      {func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, "was removed or moved"},
		"the log is removed":       {func(t *testing.T, path string) { require.NoError(t, os.Remove(path+"-wal")) }, "journal.db-wal was removed or moved"},
		"the log's index is moved": {func(t *testing.T, path string) { require.NoError(t, os.Rename(path+"-shm", path+"-old")) }, "journal.db-shm was removed or moved"},
		"another file is in its place": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+"2", nil, 0o600))
			require.NoError(t, os.Rename(path+"2", path))
		}, "was replaced by another file"},
		"another journal is in its place": {func(t *testing.T, path string) {
			require.NoError(t, os.Rename(path, path+"2"))
			require.NoError(t, open(t, path, sqlite.Config{}).Close())
		}, "was replaced by another file"},
		"another log is in its place": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+"2", nil, 0o600))
			require.NoError(t, os.Rename(path+"2", path+"-wal"))
		}, "journal.db-wal was replaced by another file"},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := settled(t)
			c.harm(t, path)
			refuses(t, s, c.says)
			refuses(t, s, c.says) // it doesn't go on with what it finds there
		})
	}
}

// A link is no other place.
func TestAStoreBehindALink(t *testing.T) {
	dir := t.TempDir()
	link, target := filepath.Join(dir, "link.db"), filepath.Join(dir, "target.db")
	require.NoError(t, open(t, target, sqlite.Config{}).Close())
	require.NoError(t, os.Symlink(target, link))
	s := open(t, link, sqlite.Config{})
	require.NoError(t, s.Append(context.Background(), "x", actor.Epoch{}, one(1)))
	require.NoError(t, s.Err())
	require.NoError(t, os.Remove(link))
	refuses(t, s, "link.db was removed or moved")
}

func TestAStoreThatIsPutBackGoesOn(t *testing.T) {
	s, path := settled(t)
	require.NoError(t, os.Rename(filepath.Dir(path), filepath.Dir(path)+"2"))
	refuses(t, s, "was removed or moved")
	require.NoError(t, os.Rename(filepath.Dir(path)+"2", filepath.Dir(path)))
	require.NoError(t, s.Append(context.Background(), "x", actor.Epoch{}, one(2)))
	for seq := uint64(1); seq <= 2; seq++ {
		highest, err := s.HighestSeq(context.Background(), "x")
		require.NoError(t, err)
		require.Equal(t, uint64(2), highest)
	}
}

// Removing the files while one process after another has them open leaves the
// last with its log as well.
func TestALogThatOthersHaveClosedStaysInItsPlace(t *testing.T) {
	s, path := settled(t)
	other := open(t, path, sqlite.Config{})
	require.NoError(t, other.Append(context.Background(), "y", actor.Epoch{}, one(1)))
	require.NoError(t, other.Close())
	require.NoError(t, s.Append(context.Background(), "x", actor.Epoch{}, one(2)))
	require.NoError(t, s.Err())
}
