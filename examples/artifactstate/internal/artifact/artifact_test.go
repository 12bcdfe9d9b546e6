package artifact

import (
	"encoding/base64"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestIDsTellPairsApart(t *testing.T) {
	long := strings.Repeat("x", 166)
	users := []string{
		"Michael", "1-Michael", "-", "--", "#", "1#Michael", "%", "%2D", " ", "+", "a b", "a+b", "/", "..", ".", "a/b", "a#b", "a?b",
		"Μιχαήλ", "日本", "\x00", "\n", "\x1b[31m", "💥", "\uFFFD", long, long + "y", long + "z", long + "zz", long + "yy", long + "yyy",
		strings.Repeat("x", UserIDMax), strings.Repeat("/", UserIDMax),
		base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
	}
	seen := map[string]Pair{}
	for _, user := range users {
		for _, artifact := range []int64{0, 1, 11, math.MaxInt64} {
			p := Pair{User: user, Artifact: artifact}
			require.NoError(t, p.Check())
			require.Emptyf(t, seen[p.ID()], "%q has the id of %v", p, seen[p.ID()])
			seen[p.ID()] = p
			require.LessOrEqual(t, len(p.ID()), IDMax)
			require.True(t, utf8.ValidString(p.ID()))
		}
	}
}

// TestIDsDontChange: stored events are found by them.
func TestIDsDontChange(t *testing.T) {
	require.Equal(t, "1-Michael", Pair{User: "Michael", Artifact: 1}.ID())
	require.Equal(t, "7#heYqzXUMTrVre2odZtylv6rF8GJgihqJNBDQKIk2wJo", Pair{User: strings.Repeat("x", UserIDMax), Artifact: 7}.ID())
}

// FuzzID takes an id that shows its user apart again; one that doesn't is as long
// as a hash.
func FuzzID(f *testing.F) {
	f.Add("Michael", int64(1))
	f.Add("1#a-b", int64(0))
	f.Add(strings.Repeat("é", 128), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, user string, artifact int64) {
		p := Pair{User: user, Artifact: artifact}
		if p.Check() != nil {
			return
		}
		id := p.ID()
		end := strings.IndexAny(id, "-#")
		number, err := strconv.ParseInt(id[:end], 10, 64)
		require.NoError(t, err)
		require.Equal(t, artifact, number)
		if id[end] == '-' {
			require.Equal(t, user, id[end+1:])
			require.LessOrEqual(t, len(id), IDMax)
			return
		}
		require.Len(t, id[end+1:], 43)
		require.Greater(t, end+1+len(user), IDMax)
	})
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for title, c := range map[string]struct {
		pair Pair
		want error
	}{
		"the zero pair":           {Pair{}, ErrUserID},
		"one byte too many":       {Pair{User: strings.Repeat("x", UserIDMax+1)}, ErrUserID},
		"not UTF-8":               {Pair{User: "a\xff"}, ErrUserID},
		"a negative artifact":     {Pair{User: "u", Artifact: -1}, ErrArtifactID},
		"the smallest pair":       {Pair{User: "u"}, nil},
		"as many bytes as may be": {Pair{User: strings.Repeat("x", UserIDMax), Artifact: math.MaxInt64}, nil},
	} {
		t.Run(title, func(t *testing.T) {
			if c.want == nil {
				require.NoError(t, c.pair.Check())
				return
			}
			require.ErrorIs(t, c.pair.Check(), c.want)
		})
	}
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestDecide(t *testing.T) {
	soon := noon.Add(time.Nanosecond)
	for title, c := range map[string]struct {
		state   State
		command Command
		want    []Event
		err     error
	}{
		"unread is marked as read":                {State{}, MarkRead{}, []Event{ArtifactRead{}}, nil},
		"read stays read":                         {State{Read: true}, MarkRead{}, nil, nil},
		"a stranger to the feed is added":         {State{}, AddToFeed{}, []Event{AddedToFeed{}}, nil},
		"what is in the feed is not added again":  {State{InFeed: true}, AddToFeed{}, nil, nil},
		"what is in the feed is removed":          {State{InFeed: true}, RemoveFromFeed{}, []Event{RemovedFromFeed{}}, nil},
		"what is not in the feed is not removed":  {State{}, RemoveFromFeed{}, nil, nil},
		"a question makes no event":               {State{Read: true}, GetState{}, nil, nil},
		"just before the deadline":                {State{}, MarkRead{Until: soon}, []Event{ArtifactRead{}}, nil},
		"at the deadline":                         {State{}, MarkRead{Until: noon}, nil, ErrTooLate},
		"after the deadline":                      {State{}, AddToFeed{Until: noon.Add(-time.Hour)}, nil, ErrTooLate},
		"late, even where nothing would change":   {State{}, RemoveFromFeed{Until: noon}, nil, ErrTooLate},
		"the two facts don't touch":               {State{Read: true}, AddToFeed{}, []Event{AddedToFeed{}}, nil},
		"removing from the feed leaves read read": {State{Read: true, InFeed: true}, RemoveFromFeed{}, []Event{RemovedFromFeed{}}, nil},
		"no command at all":                       {State{}, nil, nil, nil},
	} {
		t.Run(title, func(t *testing.T) {
			got, err := Decide(noon, c.state, c.command)
			require.Equal(t, c.want, got)
			if c.err == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.err)
		})
	}
}

// TestReplayGivesTheState compares the entity's way (decide, store, replay) with
// a twin that just assigns.
func TestReplayGivesTheState(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var log []Event
		var state, twin State
		for range random.IntN(40) {
			var c Command
			switch random.IntN(4) {
			case 0:
				c, twin.Read = MarkRead{}, true
			case 1:
				c, twin.InFeed = AddToFeed{}, true
			case 2:
				c, twin.InFeed = RemoveFromFeed{}, false
			default:
				c = GetState{}
			}
			before := state
			events, err := Decide(noon, state, c)
			require.NoError(t, err)
			for _, e := range events {
				state = state.Evolve(e)
				require.NotEqual(t, before, state, "an event that changes nothing was made")
			}
			log = append(log, events...)
			require.Equal(t, twin, state)
		}
		var replayed State
		for _, e := range log {
			replayed = replayed.Evolve(e)
		}
		require.Equal(t, twin, replayed)
	}
}
