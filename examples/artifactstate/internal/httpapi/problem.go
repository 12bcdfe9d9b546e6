package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is the body of every answer that is no success (RFC 9457).
type Problem struct {
	// Type is always "about:blank": the status says it all.
	Type string `json:"type"`
	// Title is the text of the status.
	Title string `json:"title"`
	// Status repeats the status code.
	Status int `json:"status"`
	// Detail says what is wrong with this request and what to do about it.
	Detail string `json:"detail"`
	// Field names the field of the body or of the query that is at fault;
	// empty when it is none of them.
	Field string `json:"field,omitempty"`

	allow      string
	retryAfter time.Duration
}

// problem makes a Problem about no field in particular.
func problem(status int, format string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// badField makes the Problem of a request whose field is wrong.
func badField(field, format string, args ...any) *Problem {
	p := problem(http.StatusBadRequest, format, args...)
	p.Field = field
	return p
}

func (p *Problem) write(w http.ResponseWriter) {
	if p.allow != "" {
		w.Header().Set("Allow", p.allow)
	}
	if p.retryAfter > 0 {
		seconds := (p.retryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	writeJSON(w, "application/problem+json", p.Status, p)
}

// writeJSON writes a whole answer. An error of the connection is the client's
// business: there is nobody left to tell.
func writeJSON(w http.ResponseWriter, contentType string, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "the answer can't be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// shorten cuts what a client sent to a length fit for an answer or a log.
func shorten(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
