package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
)

// memory is an Entities in one map. When fail is set, that is its answer; when
// silent is set, it gives none.
type memory struct {
	mu       sync.Mutex // guards states, asked
	states   map[artifact.Pair]artifact.State
	asked    []artifact.Command
	fail     error
	silent   bool
	panicked bool
}

func (m *memory) Ask(ctx context.Context, p artifact.Pair, c artifact.Command) (Answer, error) {
	m.mu.Lock()
	m.asked = append(m.asked, c)
	m.mu.Unlock()
	switch {
	case m.panicked:
		panic("broken")
	case m.silent:
		<-ctx.Done()
		return Answer{}, fmt.Errorf("ask %v: %w", p, ctx.Err())
	case m.fail != nil:
		return Answer{}, m.fail
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.states == nil {
		m.states = map[artifact.Pair]artifact.State{}
	}
	state := m.states[p]
	events, err := artifact.Decide(time.Now(), state, c)
	for _, e := range events {
		state = state.Evolve(e)
	}
	m.states[p] = state
	return Answer{State: state, Host: "10.0.0.1:2551"}, err
}

func newAPI(m *memory) *API {
	return New(Config{Entities: m, Log: zerolog.Nop()})
}

const root = "/artifactState/"

// do sends one request to the handler.
func do(a http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		name, more := strings.CutPrefix(headers[i], "+")
		if !more {
			r.Header.Del(name)
		}
		if headers[i+1] != "" {
			r.Header.Add(name, headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	const michael = `{"artifactId":1,"userId":"Michael"}`
	const query = "?artifactId=1&userId=Michael"
	a := newAPI(&memory{})
	for i, step := range []struct{ method, route, body, want string }{
		{"POST", "getAllStates", michael, `{"artifactId":1,"userId":"Michael","artifactRead":false,"artifactInUserFeed":false}`},
		{"POST", "isArtifactReadByUser", michael, `{"artifactId":1,"userId":"Michael","answer":false}`},
		{"POST", "setArtifactReadByUser", michael, `{"success":true}`},
		{"POST", "isArtifactReadByUser", michael, `{"artifactId":1,"userId":"Michael","answer":true}`},
		{"POST", "isArtifactInUserFeed", michael, `{"artifactId":1,"userId":"Michael","answer":false}`},
		{"POST", "setArtifactAddedToUserFeed", michael, `{"success":true}`},
		{"POST", "setArtifactAddedToUserFeed", michael, `{"success":true}`},
		{"POST", "isArtifactInUserFeed", michael, `{"artifactId":1,"userId":"Michael","answer":true}`},
		{"GET", "getAllStates" + query, "", `{"artifactId":1,"userId":"Michael","artifactRead":true,"artifactInUserFeed":true}`},
		{"POST", "setArtifactRemovedFromUserFeed", michael, `{"success":true}`},
		{"GET", "getAllStates" + query, "", `{"artifactId":1,"userId":"Michael","artifactRead":true,"artifactInUserFeed":false}`},
		{"GET", "getAllStates?userId=Michael&artifactId=2", "", `{"artifactId":2,"userId":"Michael","artifactRead":false,"artifactInUserFeed":false}`},
		{"GET", "getAllStates?userId=%CE%9C%2F+&artifactId=0", "", `{"artifactId":0,"userId":"Μ/ ","artifactRead":false,"artifactInUserFeed":false}`},
		{"POST", "getAllStates", ` { "userId" : "\ud83d\udca5\"\\u" , "artifactId" : 9223372036854775807 } `, `{"artifactId":9223372036854775807,"userId":"💥\"\\u","artifactRead":false,"artifactInUserFeed":false}`},
	} {
		w := do(a, step.method, root+step.route, step.body)
		require.Equal(t, http.StatusOK, w.Code, "step %d %s: %s", i, step.route, w.Body)
		require.JSONEq(t, step.want, w.Body.String(), "step %d", i)
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Equal(t, "10.0.0.1:2551", w.Header().Get(HostHeader))
	}
}

// requireProblem checks the answer and returns its body.
func requireProblem(t *testing.T, w *httptest.ResponseRecorder, status int, field string) Problem {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	var p Problem
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
	require.Equal(t, "about:blank", p.Type)
	require.Equal(t, http.StatusText(status), p.Title)
	require.Equal(t, status, p.Status)
	require.NotEmpty(t, p.Detail)
	require.Equal(t, field, p.Field, p.Detail)
	return p
}

func TestBadBodies(t *testing.T) {
	for title, c := range map[string]struct{ body, field string }{
		"empty":                               {"", ""},
		"only blanks":                         {" \n", ""},
		"no JSON":                             {"hello", ""},
		"an array":                            {"[]", ""},
		"a string":                            {`"x"`, ""},
		"null":                                {"null", ""},
		"cut off":                             {`{"artifactId":1,"userId":"Mich`, ""},
		"cut off before the brace":            {`{"artifactId":1,"userId":"M"`, ""},
		"a trailing comma":                    {`{"artifactId":1,"userId":"M",}`, ""},
		"a field without a name":              {`{1:2}`, ""},
		"two objects":                         {`{"artifactId":1,"userId":"M"}{}`, ""},
		"text behind":                         {`{"artifactId":1,"userId":"M"} x`, ""},
		"not UTF-8":                           {"{\"artifactId\":1,\"userId\":\"\xff\"}", ""},
		"no fields":                           {"{}", "artifactId"},
		"no artifact":                         {`{"userId":"M"}`, "artifactId"},
		"no user":                             {`{"artifactId":1}`, "userId"},
		"an unknown field":                    {`{"artifactId":1,"userId":"M","x":1}`, "x"},
		"another case":                        {`{"artifactID":1,"userId":"M"}`, "artifactID"},
		"the artifact twice":                  {`{"artifactId":1,"artifactId":1,"userId":"M"}`, "artifactId"},
		"the user twice":                      {`{"artifactId":1,"userId":"M","userId":"N"}`, "userId"},
		"the artifact in quotes":              {`{"artifactId":"1","userId":"M"}`, "artifactId"},
		"the artifact is null":                {`{"artifactId":null,"userId":"M"}`, "artifactId"},
		"the artifact is negative":            {`{"artifactId":-1,"userId":"M"}`, "artifactId"},
		"the artifact is minus zero":          {`{"artifactId":-0,"userId":"M"}`, "artifactId"},
		"the artifact has a fraction":         {`{"artifactId":1.0,"userId":"M"}`, "artifactId"},
		"the artifact has an exponent":        {`{"artifactId":1e3,"userId":"M"}`, "artifactId"},
		"the artifact is beyond int64":        {`{"artifactId":9223372036854775808,"userId":"M"}`, "artifactId"},
		"the artifact has 60000 digits":       {`{"artifactId":` + strings.Repeat("9", 60000) + `,"userId":"M"}`, "artifactId"},
		"the user is a number":                {`{"artifactId":1,"userId":1}`, "userId"},
		"the user is an object":               {`{"artifactId":1,"userId":{"artifactId":1}}`, "userId"},
		"the user is empty":                   {`{"artifactId":1,"userId":""}`, "userId"},
		"the user has 257 bytes":              {`{"artifactId":1,"userId":"` + strings.Repeat("x", 257) + `"}`, "userId"},
		"the user has 258 bytes in 129 runes": {`{"artifactId":1,"userId":"` + strings.Repeat("é", 129) + `"}`, "userId"},
		"a high surrogate alone":              {`{"artifactId":1,"userId":"a\ud83d"}`, "userId"},
		"a low surrogate alone":               {`{"artifactId":1,"userId":"\udca5a"}`, "userId"},
		"surrogates the wrong way round":      {`{"artifactId":1,"userId":"\udca5\ud83d"}`, "userId"},
		"nested a thousand deep":              {strings.Repeat(`{"userId":`, 1000), ""},
		"an unknown field with a long name":   {`{"` + strings.Repeat("n", 1000) + `":1}`, strings.Repeat("n", 64) + "…"},
	} {
		t.Run(title, func(t *testing.T) {
			m := &memory{}
			for _, route := range []string{"setArtifactReadByUser", "isArtifactInUserFeed", "getAllStates"} {
				requireProblem(t, do(newAPI(m), "POST", root+route, c.body), http.StatusBadRequest, c.field)
			}
			require.Empty(t, m.asked, "an entity was asked")
		})
	}
}

func TestBadQueries(t *testing.T) {
	for title, c := range map[string]struct{ query, field string }{
		"none":                     {"", "artifactId"},
		"no user":                  {"?artifactId=1", "userId"},
		"no artifact":              {"?userId=M", "artifactId"},
		"empty values":             {"?artifactId=&userId=", "artifactId"},
		"an empty user":            {"?artifactId=1&userId=", "userId"},
		"an unknown parameter":     {"?artifactId=1&userId=M&x=1", "x"},
		"the user twice":           {"?artifactId=1&userId=M&userId=M", "userId"},
		"the artifact is negative": {"?artifactId=-1&userId=M", "artifactId"},
		"the artifact has a sign":  {"?artifactId=%2B1&userId=M", "artifactId"},
		"the user is not UTF-8":    {"?artifactId=1&userId=%FF", "userId"},
		"a broken escape":          {"?artifactId=1&userId=%F", ""},
		"a semicolon":              {"?artifactId=1;userId=M", ""},
	} {
		t.Run(title, func(t *testing.T) {
			m := &memory{}
			requireProblem(t, do(newAPI(m), "GET", root+"getAllStates"+c.query, ""), http.StatusBadRequest, c.field)
			require.Empty(t, m.asked, "an entity was asked")
		})
	}
}

func TestWrongMethodRouteAndType(t *testing.T) {
	const body = `{"artifactId":1,"userId":"M"}`
	a := newAPI(&memory{})
	for title, c := range map[string]struct {
		method, target, body string
		headers              []string
		status               int
		allow                string
	}{
		"GET of a set":               {"GET", root + "setArtifactReadByUser", "", nil, 405, "POST"},
		"GET of a question":          {"GET", root + "isArtifactReadByUser?artifactId=1&userId=M", "", nil, 405, "POST"},
		"DELETE of all states":       {"DELETE", root + "getAllStates", "", nil, 405, "GET, HEAD, POST"},
		"POST of ready":              {"POST", "/ready", "", nil, 405, "GET, HEAD"},
		"PUT of alive":               {"PUT", "/alive", "", nil, 405, "GET, HEAD"},
		"a method of one's own":      {"FROBNICATE", root + "setArtifactReadByUser", body, nil, 405, "POST"},
		"unknown route":              {"POST", root + "setArtifactUnreadByUser", body, nil, 404, ""},
		"the root":                   {"GET", "/", "", nil, 404, ""},
		"a slash too many":           {"POST", root + "getAllStates/", body, nil, 404, ""},
		"another case":               {"POST", "/artifactstate/getAllStates", body, nil, 404, ""},
		"members when there is none": {"GET", "/members", "", nil, 404, ""},
		"a form":                     {"POST", root + "getAllStates", body, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, ""},
		"plain text":                 {"POST", root + "setArtifactReadByUser", body, []string{"Content-Type", "text/plain"}, 415, ""},
		"Latin-1":                    {"POST", root + "getAllStates", body, []string{"Content-Type", "application/json; charset=latin1"}, 415, ""},
		"two types":                  {"POST", root + "getAllStates", body, []string{"+Content-Type", "application/json"}, 415, ""},
		"a type that is no type":     {"POST", root + "getAllStates", body, []string{"Content-Type", ";;"}, 415, ""},
		"no type":                    {"POST", root + "getAllStates", body, []string{"Content-Type", ""}, 200, ""},
		"a charset in capitals":      {"POST", root + "getAllStates", body, []string{"Content-Type", "Application/JSON; charset=UTF-8"}, 200, ""},
		"64 KiB and a byte":          {"POST", root + "getAllStates", body + strings.Repeat(" ", BodyMax), nil, 413, ""},
		"64 KiB":                     {"POST", root + "getAllStates", body + strings.Repeat(" ", BodyMax-len(body)), nil, 200, ""},
	} {
		t.Run(title, func(t *testing.T) {
			w := do(a, c.method, c.target, c.body, c.headers...)
			require.Equal(t, c.allow, w.Header().Get("Allow"))
			if c.status == 200 {
				require.Equal(t, 200, w.Code, w.Body)
				return
			}
			requireProblem(t, w, c.status, "")
		})
	}
}

func TestNoAnswerIs503WithRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{silent: true}
		start := time.Now()
		w := do(newAPI(m), "POST", root+"setArtifactReadByUser", `{"artifactId":1,"userId":"M"}`)
		requireProblem(t, w, http.StatusServiceUnavailable, "")
		require.Equal(t, "1", w.Header().Get("Retry-After"))
		require.Equal(t, 3*time.Second, time.Since(start), "the default ask timeout")
		require.Equal(t, []artifact.Command{artifact.MarkRead{Until: start.Add(3 * time.Second)}}, m.asked,
			"the command must refuse itself once the client was told 503")
	})
}

func TestErrorsOfEntities(t *testing.T) {
	for title, c := range map[string]struct {
		err    error
		status int
	}{
		"no answer":     {fmt.Errorf("ask: %w", ErrNoAnswer), 503},
		"too late":      {fmt.Errorf("decide: %w", artifact.ErrTooLate), 503},
		"anything else": {errors.New("disk at secret path is on fire"), 500},
	} {
		t.Run(title, func(t *testing.T) {
			w := do(newAPI(&memory{fail: c.err}), "POST", root+"setArtifactReadByUser", `{"artifactId":1,"userId":"M"}`)
			p := requireProblem(t, w, c.status, "")
			require.NotContains(t, p.Detail, "secret")
		})
	}
}

func TestPanicIs500(t *testing.T) {
	w := do(newAPI(&memory{panicked: true}), "POST", root+"getAllStates", `{"artifactId":1,"userId":"M"}`)
	requireProblem(t, w, http.StatusInternalServerError, "")
}

func TestTooManyRequestsInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Config{Entities: &memory{silent: true}, InFlightMax: 2, Log: zerolog.Nop()})
		codes := make(chan *httptest.ResponseRecorder, 3)
		for range 2 {
			go func() { codes <- do(a, "POST", root+"getAllStates", `{"artifactId":1,"userId":"M"}`) }()
		}
		synctest.Wait()
		start := time.Now()
		w := do(a, "POST", root+"getAllStates", `{"artifactId":1,"userId":"M"}`)
		require.Contains(t, requireProblem(t, w, 503, "").Detail, "too many requests")
		require.Zero(t, time.Since(start), "it must be refused at once")
		<-codes
		<-codes
		require.Zero(t, a.inFlight.Load())
	})
}

func TestReadyAndAlive(t *testing.T) {
	var notReady error
	a := New(Config{Entities: &memory{}, Ready: func() error { return notReady }, Log: zerolog.Nop()})
	require.JSONEq(t, `{"ready":true}`, do(a, "GET", "/ready", "").Body.String())
	require.JSONEq(t, `{"alive":true}`, do(a, "GET", "/alive", "").Body.String())

	notReady = errors.New("the node is Joining")
	w := do(a, "GET", "/ready", "")
	require.Equal(t, "the node is Joining", requireProblem(t, w, 503, "").Detail)
	require.Equal(t, "1", w.Header().Get("Retry-After"))

	notReady = nil
	a.Drain()
	requireProblem(t, do(a, "GET", "/ready", ""), 503, "")
	require.Equal(t, 200, do(a, "GET", "/alive", "").Code)
}

func TestMembers(t *testing.T) {
	a := New(Config{Entities: &memory{}, Members: func() []Member {
		return []Member{{Address: "127.0.0.1:2551", Roles: []string{"entity"}, Status: "up", Reachable: true, Incarnation: "a3f0", Age: 1}}
	}})
	require.JSONEq(t, `[{"address":"127.0.0.1:2551","roles":["entity"],"status":"up","reachable":true,"incarnation":"a3f0","age":1,"self":false}]`,
		do(a, "GET", "/members", "").Body.String())
}

func FuzzDecodePair(f *testing.F) {
	f.Add([]byte(`{"artifactId":1,"userId":"Michael"}`))
	f.Add([]byte(`{"artifactId":1,"userId":"\ud83d\udca5"}`))
	f.Add([]byte(`{"userId":"\\ud83d","artifactId":0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, problem := decodePair(body)
		if problem != nil {
			require.Equal(t, http.StatusBadRequest, problem.Status)
			return
		}
		require.NoError(t, p.Check())
		// The kinder standard decoder must agree on whatever the strict one takes.
		var twin struct {
			ArtifactID *int64  `json:"artifactId"`
			UserID     *string `json:"userId"`
		}
		require.NoError(t, json.Unmarshal(body, &twin))
		require.Equal(t, p, artifact.Pair{User: *twin.UserID, Artifact: *twin.ArtifactID})
	})
}
