package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// A query is tested among probes: one for each device and one for the asker.
type queryTest struct {
	sys          *actor.System
	asker        *testkit.Probe
	window, door *testkit.Probe
	begun        time.Time
	query        actor.PID
}

func beginQuery(t *testing.T, within time.Duration) queryTest {
	t.Helper()
	sys := testkit.New(t)
	q := queryTest{
		sys: sys, asker: testkit.NewProbe(t, sys), window: testkit.NewProbe(t, sys), door: testkit.NewProbe(t, sys),
		begun: time.Now(),
	}
	query, err := actor.SpawnTyped(sys, "query", func() actor.Receiver[queryMessage] {
		return newQuery(map[string]actor.Ref[DeviceMessage]{
			"window": testkit.Ref[DeviceMessage](q.window), "door": testkit.Ref[DeviceMessage](q.door),
		}, q.asker.PID(), within)
	})
	require.NoError(t, err)
	q.query = query.PID()
	q.window.Expect(Read{})
	q.door.Expect(Read{})
	return q
}

// answers expects the answer of the query, after so long, and its end.
func (q queryTest) answers(t *testing.T, after time.Duration, window, door Answer) {
	t.Helper()
	q.asker.Expect(map[string]Answer{"window": window, "door": door})
	require.Equal(t, after, time.Since(q.begun))
	require.NoError(t, actor.AwaitEnd(t.Context(), q.query), "a query ends when it has answered")
}

func TestQuery(t *testing.T) {
	known := func(id string, celsius float64) Reading { return Reading{Device: id, Celsius: celsius, Known: true} }
	for _, c := range []struct {
		title        string
		run          func(q queryTest)
		after        time.Duration
		window, door Answer
	}{
		{"all answer", func(q queryTest) {
			q.window.Reply(known("window", 1))
			q.door.Reply(known("door", 2))
		}, 0, Answer{Measured, 1}, Answer{Measured, 2}},
		{"one knows nothing yet", func(q queryTest) {
			q.window.Reply(Reading{Device: "window"})
			q.door.Reply(known("door", 2))
		}, 0, Answer{Outcome: NoneYet}, Answer{Measured, 2}},
		{"one stops before it answers", func(q queryTest) {
			q.window.Reply(known("window", 1))
			q.sys.StopActor(q.door.PID())
		}, 0, Answer{Measured, 1}, Answer{Outcome: Gone}},
		{"one stops after it has answered", func(q queryTest) {
			q.door.Reply(known("door", 2))
			q.sys.StopActor(q.door.PID())
			synctest.Wait()
			q.window.Reply(known("window", 1))
		}, 0, Answer{Measured, 1}, Answer{Measured, 2}},
		{"one does not answer in time", func(q queryTest) {
			q.window.Reply(known("window", 1))
		}, time.Second, Answer{Measured, 1}, Answer{Outcome: TimedOut}},
		{"nobody does", func(queryTest) {}, time.Second, Answer{Outcome: TimedOut}, Answer{Outcome: TimedOut}},
		{"an answer twice", func(q queryTest) {
			q.window.Reply(known("window", 1))
			q.window.Reply(known("window", 3))
			synctest.Wait()
			q.door.Reply(known("door", 2))
		}, 0, Answer{Measured, 1}, Answer{Measured, 2}},
	} {
		t.Run(c.title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := beginQuery(t, time.Second)
				c.run(q)
				q.answers(t, c.after, c.window, c.door)
			})
		})
	}
}

func TestQueryOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		asker := testkit.NewProbe(t, sys)
		query, err := actor.SpawnTyped(sys, "query", func() actor.Receiver[queryMessage] {
			return newQuery(nil, asker.PID(), time.Second)
		})
		require.NoError(t, err)
		asker.Expect(map[string]Answer{})
		require.NoError(t, actor.AwaitEnd(t.Context(), query))
	})
}
