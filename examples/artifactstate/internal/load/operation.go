package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// operation is one way to talk to the service.
type operation struct {
	// Name is the route, with the method where a route has two.
	name   string
	method string
	path   string
	weight int
	// set says that it changes fact to value; otherwise it asks for reads.
	set   bool
	fact  int
	value bool
	reads []int
}

const under = "/artifactState/"

// operations are all routes of the service. Weights are per cent.
var operations = [...]operation{
	{name: "setArtifactReadByUser", method: "POST", path: under + "setArtifactReadByUser", weight: 12, set: true, fact: factRead, value: true},
	{name: "setArtifactAddedToUserFeed", method: "POST", path: under + "setArtifactAddedToUserFeed", weight: 19, set: true, fact: factInFeed, value: true},
	{name: "setArtifactRemovedFromUserFeed", method: "POST", path: under + "setArtifactRemovedFromUserFeed", weight: 19, set: true, fact: factInFeed, value: false},
	{name: "isArtifactReadByUser", method: "POST", path: under + "isArtifactReadByUser", weight: 15, reads: []int{factRead}},
	{name: "isArtifactInUserFeed", method: "POST", path: under + "isArtifactInUserFeed", weight: 15, reads: []int{factInFeed}},
	{name: "getAllStates (POST)", method: "POST", path: under + "getAllStates", weight: 10, reads: []int{factRead, factInFeed}},
	{name: "getAllStates (GET)", method: "GET", path: under + "getAllStates", weight: 10, reads: []int{factRead, factInFeed}},
}

// opVerify is the operation that reads a pair back.
const opVerify = len(operations) - 1

// draw picks an operation by weight.
func draw(random *rand.Rand) int {
	left := random.IntN(100)
	for i, o := range operations {
		if left -= o.weight; left < 0 {
			return i
		}
	}
	return opVerify
}

// arrival is a request that is to be made.
type arrival struct {
	op       int
	intended time.Time
}

// request makes the HTTP request to target.
func (o *operation) request(target string, p *pair) (*http.Request, error) {
	if o.method == http.MethodGet {
		query := url.Values{"artifactId": {strconv.FormatInt(p.artifact, 10)}, "userId": {p.user}}
		return http.NewRequest(o.method, target+o.path+"?"+query.Encode(), nil)
	}
	body, err := json.Marshal(struct {
		ArtifactID int64  `json:"artifactId"`
		UserID     string `json:"userId"`
	}{p.artifact, p.user})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(o.method, target+o.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// answer is the union of what the routes answer.
type answer struct {
	Success    *bool   `json:"success"`
	ArtifactID *int64  `json:"artifactId"`
	UserID     *string `json:"userId"`
	Answer     *bool   `json:"answer"`
	Read       *bool   `json:"artifactRead"`
	InFeed     *bool   `json:"artifactInUserFeed"`
}

// check compares the body of a 200 with the model of p. It returns what is wrong
// with it, or "".
func (o *operation) check(p *pair, body []byte) string {
	var a answer
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return fmt.Sprintf("the answer %.200q can't be read: %v", body, err)
	}
	if o.set {
		if a.Success == nil || !*a.Success {
			return fmt.Sprintf("the answer to a set is %.200q", body)
		}
		return ""
	}
	if a.ArtifactID == nil || *a.ArtifactID != p.artifact || a.UserID == nil || *a.UserID != p.user {
		return fmt.Sprintf("the answer %.200q is about another pair", body)
	}
	said := [factCount]*bool{factRead: a.Read, factInFeed: a.InFeed}
	if len(o.reads) == 1 {
		said[o.reads[0]] = a.Answer
	}
	for _, f := range o.reads {
		switch {
		case said[f] == nil:
			return fmt.Sprintf("the answer %.200q leaves something out", body)
		case !p.facts[f].allows(*said[f]):
			return fmt.Sprintf("%s is %v and must be %v", [...]string{"read", "in feed"}[f], *said[f], p.facts[f].value)
		}
	}
	return ""
}
