package load

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// Config says what load to make. Targets is required; every other zero value
// stands for the default that its field names.
type Config struct {
	// Targets are the base URLs of the endpoints, such as http://127.0.0.1:8082.
	Targets []string
	// Users is how many users there are in the end; 1000 by default. More users
	// mean more pairs, hence more entities.
	Users int
	// PairsPerUser is how many artifacts a user has to do with; 4 by default.
	// Fewer mean that requests wait for one another more often.
	PairsPerUser int
	// Duration is how long requests arrive; one minute by default.
	Duration time.Duration
	// Ramp is how long it takes until all users are there; a quarter of Duration
	// by default. A negative Ramp means that all are there from the start.
	Ramp time.Duration
	// Rate is how many requests arrive per second when all users are there; one
	// per user by default. What the service can't keep up with shows as latency.
	Rate float64
	// Timeout bounds one attempt; 10 s by default. It should be longer than the
	// service's own ask timeout: giving up earlier only hides the answer.
	Timeout time.Duration
	// LateWithin is for how long after it was sent a failed set may still take
	// effect; 5 s by default. It must be longer than the service's ask timeout;
	// longer still keeps both values possible for longer and so checks less.
	LateWithin time.Duration
	// OutstandingMax bounds the requests that were to arrive and are not answered;
	// 20000 by default. What exceeds it is counted as the error "not sent".
	OutstandingMax int
	// Seed makes the arrivals repeatable; 0 draws one.
	Seed uint64
	// Name is part of the names of the users, so that each run starts with pairs
	// that nothing has happened to; by default it is drawn.
	Name string
	// Progress takes a progress bar when it is a terminal and a line now and then
	// when it is not; nil means none.
	Progress io.Writer
	// Observe is told of every request when it is over, from many goroutines at
	// once; nil means nobody.
	Observe func(Outcome)
}

// Validate returns all that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if len(c.Targets) == 0 {
		errs = append(errs, errors.New("no targets: name the endpoints, as in http://127.0.0.1:8082"))
	}
	for _, target := range c.Targets {
		u, err := url.Parse(target)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			errs = append(errs, fmt.Errorf("target %q is no base URL like http://127.0.0.1:8082", target))
		}
	}
	if c.Users < 0 || c.Users > 1_000_000 {
		errs = append(errs, fmt.Errorf("%d users: give 1 to 1000000", c.Users))
	}
	if c.PairsPerUser < 0 || c.PairsPerUser > 1000 {
		errs = append(errs, fmt.Errorf("%d pairs per user: give 1 to 1000", c.PairsPerUser))
	}
	if c.Duration < 0 || c.Timeout < 0 || c.LateWithin < 0 || c.OutstandingMax < 0 {
		errs = append(errs, errors.New("durations and bounds can't be negative"))
	}
	if c.Rate < 0 || c.Rate > 1_000_000 {
		errs = append(errs, fmt.Errorf("rate %v: give requests per second, at most a million", c.Rate))
	}
	return errors.Join(errs...)
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// filled returns c with its defaults.
func (c Config) filled() Config {
	c.Users = or(c.Users, 1000)
	c.PairsPerUser = or(c.PairsPerUser, 4)
	c.Duration = or(c.Duration, time.Minute)
	c.Ramp = max(or(c.Ramp, c.Duration/4), 0)
	c.Rate = or(c.Rate, float64(c.Users))
	c.Timeout = or(c.Timeout, 10*time.Second)
	c.LateWithin = or(c.LateWithin, 5*time.Second)
	c.OutstandingMax = or(c.OutstandingMax, 20_000)
	targets := make([]string, len(c.Targets))
	for i, target := range c.Targets {
		targets[i] = strings.TrimRight(target, "/")
	}
	c.Targets = targets
	return c
}
