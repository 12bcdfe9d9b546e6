package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
)

// HostHeader names the node whose entity answered. It is for people and tests
// that watch shards move.
const HostHeader = "Troupe-Node"

// ErrNoAnswer is what [Entities.Ask] wraps when the entity could not be reached
// or did not answer in time.
var ErrNoAnswer = errors.New("the entity did not answer")

// Answer is what an entity says to a command.
type Answer struct {
	// State is the state of the pair after the command.
	State artifact.State
	// Host is the address of the node that the entity lives on.
	Host string
}

// Entities is where the pairs live.
type Entities interface {
	// Ask sends c to the entity of p and returns its answer: for a change, once
	// that is durable. It returns an error that wraps ErrNoAnswer or
	// context.DeadlineExceeded when there was no answer, and artifact.ErrTooLate
	// when the command came too late. It must return soon after ctx is done.
	Ask(ctx context.Context, p artifact.Pair, c artifact.Command) (Answer, error)
}

// Member is one row of /members.
type Member struct {
	// Address is host:port of the cluster, not of HTTP.
	Address string `json:"address"`
	// Roles are what the node does.
	Roles []string `json:"roles"`
	// Status is where the member stands in its life: joining, up, leaving, …
	Status string `json:"status"`
	// Reachable is false while some node can't hear the member.
	Reachable bool `json:"reachable"`
	// Incarnation tells a process from an earlier one at the same address.
	Incarnation string `json:"incarnation"`
	// Age counts from 1 for the node that formed the cluster: a smaller number
	// is an older member. 0 is a member that was never up.
	Age uint64 `json:"age"`
	// Self marks the node that answers.
	Self bool `json:"self"`
}

// Config is what an API needs. Entities is required; the rest has defaults.
type Config struct {
	// Entities answers for the pairs.
	Entities Entities
	// AskTimeout bounds the wait for an entity; 3 s when zero. Raising it rides
	// out longer moves of a shard and keeps clients waiting longer; lowering it
	// does the opposite.
	AskTimeout time.Duration
	// InFlightMax bounds the requests in progress; 8192 when zero. Raising it
	// takes more memory while entities don't answer; lowering it refuses with 503
	// earlier.
	InFlightMax int
	// Drain is for how long a server that is to end goes on to serve after it has
	// said that it isn't ready; 0 ends at once. It should be longer than a load
	// balancer takes to notice.
	Drain time.Duration
	// Ready returns why the node can't serve yet, or nil. A nil Ready means
	// always ready.
	Ready func() error
	// Members returns the cluster as this node sees it. A nil Members means that
	// there is no such route.
	Members func() []Member
	// Log takes what went wrong on our side. The zero value discards it.
	Log zerolog.Logger
}

func (c Config) askTimeout() time.Duration {
	if c.AskTimeout <= 0 {
		return 3 * time.Second
	}
	return c.AskTimeout
}

func (c Config) inFlightMax() int64 {
	if c.InFlightMax <= 0 {
		return 8192
	}
	return int64(c.InFlightMax)
}

// API is the handler of all routes. It may be used from many goroutines.
type API struct {
	config   Config
	routes   map[string]route
	inFlight atomic.Int64
	draining atomic.Bool
	noisy    zerolog.Logger
}

// route is one path: its methods and what it does.
type route struct {
	methods []string
	handle  func(w http.ResponseWriter, r *http.Request) *Problem
}

// New returns the handler of all routes.
func New(config Config) *API {
	a := &API{config: config}
	// One line a second is enough to know: a lost shard would fill the log.
	a.noisy = config.Log.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Second})
	const under = "/artifactState/"
	post := []string{http.MethodPost}
	get := []string{http.MethodGet, http.MethodHead}
	a.routes = map[string]route{
		under + "setArtifactReadByUser":          {post, a.set(func(until time.Time) artifact.Command { return artifact.MarkRead{Until: until} })},
		under + "setArtifactAddedToUserFeed":     {post, a.set(func(until time.Time) artifact.Command { return artifact.AddToFeed{Until: until} })},
		under + "setArtifactRemovedFromUserFeed": {post, a.set(func(until time.Time) artifact.Command { return artifact.RemoveFromFeed{Until: until} })},
		under + "isArtifactReadByUser":           {post, a.is(func(s artifact.State) bool { return s.Read })},
		under + "isArtifactInUserFeed":           {post, a.is(func(s artifact.State) bool { return s.InFeed })},
		under + "getAllStates":                   {append(slices.Clone(get), http.MethodPost), a.all},
		"/ready":                                 {get, a.ready},
		"/alive":                                 {get, alive},
	}
	if config.Members != nil {
		a.routes["/members"] = route{get, a.members}
	}
	return a
}

// Drain makes /ready answer 503 from now on and every answer close its connection,
// so that load balancers and clients look elsewhere while the node still answers
// what comes. A connection that stayed open would be closed at the end, perhaps
// while a request is on its way.
func (a *API) Drain() { a.draining.Store(true) }

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if cause := recover(); cause != nil {
			a.config.Log.Error().Interface("panic", cause).Str("path", shorten(r.URL.Path)).Msg("a request broke its handler")
			problem(http.StatusInternalServerError, "something went wrong on our side; the log of the node says what").write(w)
		}
	}()
	if a.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if p := a.serve(w, r); p != nil {
		p.write(w)
	}
}

func (a *API) serve(w http.ResponseWriter, r *http.Request) *Problem {
	route, ok := a.routes[r.URL.Path]
	if !ok {
		return problem(http.StatusNotFound, "there is no route %q", shorten(r.URL.Path))
	}
	if !slices.Contains(route.methods, r.Method) {
		p := problem(http.StatusMethodNotAllowed, "the route does not take %s", shorten(r.Method))
		p.allow = strings.Join(route.methods, ", ")
		return p
	}
	return route.handle(w, r)
}

// ask puts a command to the entity of p and makes an answer out of what can go
// wrong.
func (a *API) ask(w http.ResponseWriter, r *http.Request, p artifact.Pair, command func(until time.Time) artifact.Command) (artifact.State, *Problem) {
	defer a.inFlight.Add(-1)
	if a.inFlight.Add(1) > a.config.inFlightMax() {
		return artifact.State{}, unavailable("too many requests are in progress")
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.config.askTimeout())
	defer cancel()
	until, _ := ctx.Deadline()
	answer, err := a.config.Entities.Ask(ctx, p, command(until))
	switch {
	case err != nil && r.Context().Err() != nil:
		return artifact.State{}, unavailable("the client has gone") // nobody reads it
	case err == nil:
		if answer.Host != "" {
			w.Header().Set(HostHeader, answer.Host)
		}
		return answer.State, nil
	case errors.Is(err, ErrNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, artifact.ErrTooLate):
		a.noisy.Warn().Err(err).Str("pair", p.ID()).Msg("an entity did not answer; more of these may have been left out")
		return artifact.State{}, unavailable("the entity did not answer in time; the request may be repeated, also when it was a set")
	}
	a.noisy.Error().Err(err).Str("pair", p.ID()).Msg("an entity gave no usable answer")
	return artifact.State{}, problem(http.StatusInternalServerError, "something went wrong on our side; the log of the node says what")
}

func unavailable(detail string) *Problem {
	p := problem(http.StatusServiceUnavailable, "%s", detail)
	p.retryAfter = time.Second
	return p
}

// setAnswer is the body of a successful set.
type setAnswer struct {
	Success bool `json:"success"`
}

func (a *API) set(command func(until time.Time) artifact.Command) func(http.ResponseWriter, *http.Request) *Problem {
	return func(w http.ResponseWriter, r *http.Request) *Problem {
		pair, p := pairOfBody(w, r)
		if p != nil {
			return p
		}
		if _, p = a.ask(w, r, pair, command); p != nil {
			return p
		}
		writeJSON(w, "application/json", http.StatusOK, setAnswer{Success: true})
		return nil
	}
}

// isAnswer is the body of the answer to one of the two questions.
type isAnswer struct {
	ArtifactID int64  `json:"artifactId"`
	UserID     string `json:"userId"`
	Answer     bool   `json:"answer"`
}

func (a *API) is(fact func(artifact.State) bool) func(http.ResponseWriter, *http.Request) *Problem {
	return func(w http.ResponseWriter, r *http.Request) *Problem {
		pair, p := pairOfBody(w, r)
		if p != nil {
			return p
		}
		state, p := a.ask(w, r, pair, getState)
		if p != nil {
			return p
		}
		writeJSON(w, "application/json", http.StatusOK, isAnswer{ArtifactID: pair.Artifact, UserID: pair.User, Answer: fact(state)})
		return nil
	}
}

// allAnswer is the body of the answer to getAllStates.
type allAnswer struct {
	ArtifactID     int64  `json:"artifactId"`
	UserID         string `json:"userId"`
	ArtifactRead   bool   `json:"artifactRead"`
	ArtifactInFeed bool   `json:"artifactInUserFeed"`
}

func (a *API) all(w http.ResponseWriter, r *http.Request) *Problem {
	var pair artifact.Pair
	var p *Problem
	if r.Method == http.MethodPost {
		pair, p = pairOfBody(w, r)
	} else {
		pair, p = pairOfQuery(r.URL.RawQuery)
	}
	if p != nil {
		return p
	}
	state, p := a.ask(w, r, pair, getState)
	if p != nil {
		return p
	}
	writeJSON(w, "application/json", http.StatusOK, allAnswer{
		ArtifactID: pair.Artifact, UserID: pair.User, ArtifactRead: state.Read, ArtifactInFeed: state.InFeed,
	})
	return nil
}

func getState(time.Time) artifact.Command { return artifact.GetState{} }

func (a *API) ready(w http.ResponseWriter, _ *http.Request) *Problem {
	if a.draining.Load() {
		return unavailable("the node is leaving")
	}
	if a.config.Ready != nil {
		if err := a.config.Ready(); err != nil {
			return unavailable(err.Error())
		}
	}
	writeJSON(w, "application/json", http.StatusOK, struct {
		Ready bool `json:"ready"`
	}{true})
	return nil
}

func alive(w http.ResponseWriter, _ *http.Request) *Problem {
	writeJSON(w, "application/json", http.StatusOK, struct {
		Alive bool `json:"alive"`
	}{true})
	return nil
}

func (a *API) members(w http.ResponseWriter, _ *http.Request) *Problem {
	writeJSON(w, "application/json", http.StatusOK, a.config.Members())
	return nil
}
