package remote

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

// TestEveryCellOfTheTable writes the whole table down a second time: a new
// operation, zone or class fails it until somebody has said what it may.
func TestEveryCellOfTheTable(t *testing.T) { // R049
	paths := map[string]string{"exported": "/user/api", "reply": "/temp/1z", "user": "/user/other", "guardian": "/user", "internal": "/system/cluster"}
	const table = `
		operation        zone      member client observer
		send to          exported  yes    yes    no
		send to          reply     yes    yes    yes
		send to          user      yes    no     no
		send to          guardian  yes    yes    no
		send to          internal  yes    no     no
		watch            exported  yes    yes    yes
		watch            reply     yes    yes    yes
		watch            user      yes    no     no
		watch            guardian  yes    no     no
		watch            internal  yes    no     no
		unwatch          exported  yes    yes    yes
		unwatch          reply     yes    yes    yes
		unwatch          user      yes    yes    yes
		unwatch          guardian  yes    yes    yes
		unwatch          internal  yes    yes    yes
		report an end to exported  yes    yes    yes
		report an end to reply     yes    yes    yes
		report an end to user      yes    yes    yes
		report an end to guardian  yes    yes    yes
		report an end to internal  yes    yes    yes
		stop             exported  grant  grant  no
		stop             reply     no     no     no
		stop             user      grant  no     no
		stop             guardian  no     no     no
		stop             internal  no     no     no`
	lines := strings.Split(strings.TrimSpace(table), "\n")[1:]
	require.Len(t, lines, int(operationCount)*int(zoneCount))
	for _, line := range lines {
		words := strings.Fields(line)
		n := len(words) - 4
		name, zone := strings.Join(words[:n], " "), words[n]
		for class, want := range words[n+1:] {
			class := Class(class)
			for _, given := range []bool{false, true} {
				a := Access{Exported: []string{"/user/api"}}
				if given {
					a.Stop = []Class{Member, Client, Observer}
				}
				ok := want == "yes" || want == "grant" && given
				got := a.permits(class, operationNamed(t, name), paths[zone])
				require.Equal(t, ok, got, "%v may %s %s, granted %v", class, name, zone, given)
			}
			require.Equal(t, zone, Access{Exported: []string{"/user/api"}}.zoneOf(paths[zone]).String())
		}
	}
	require.False(t, Access{}.permits(classCount, opTell, "/user/api"))
	require.False(t, Access{}.permits(Member, operationCount, "/user/api"))
}

func operationNamed(t *testing.T, name string) operation {
	for op := range operationCount {
		if op.String() == name {
			return op
		}
	}
	t.Fatalf("no operation %q", name)
	return 0
}

func TestEverySystemMessageIsAnOperation(t *testing.T) {
	for kind := actor.SystemWatch; kind <= actor.SystemStop; kind++ {
		_, ok := operationOf(kind)
		require.True(t, ok, "kind %d has no rule", kind)
	}
	_, ok := operationOf(actor.SystemStop + 1)
	require.False(t, ok, "a kind without a rule is not carried out")
}

func TestPathsThatAreNotCanonicalAreInternal(t *testing.T) {
	a := Access{Exported: []string{"/user/api", "/user/open/*", "/user/all/**"}}
	for path, want := range map[string]zone{
		"/user/api": zoneExported, "/user/open/x": zoneExported, "/user/all/x/y": zoneExported,
		"/user/open": zoneUser, "/user": zoneGuardian, "/user/spawned": zoneGuardian, "/user/spawned/x": zoneUser,
		"/user/open/x/y": zoneUser, "/user/all": zoneUser, "/user/apix": zoneUser, "/user/api/x": zoneUser,
		"": zoneInternal, "/": zoneInternal, "user/api": zoneInternal, "xuser/api": zoneInternal, "//user/api": zoneInternal, "/user//api": zoneInternal,
		"/user/api/": zoneInternal, "/user/": zoneInternal, "/system/x": zoneInternal, "/sharding/account/ada": zoneInternal, "/User/api": zoneInternal,
	} {
		require.Equal(t, want, a.zoneOf(path), path)
	}
}

func TestClassOf(t *testing.T) {
	cert := func(name string) *x509.Certificate { return &x509.Certificate{DNSNames: []string{name}} }
	rules := Access{Default: Observer, Certificates: []CertificateClass{{"*.nodes", Member}, {"*.clients", Client}, {"c.nodes", Client}}}
	for _, c := range []struct {
		title  string
		access Access
		cert   *x509.Certificate
		proved bool
		secret Class
		want   Class
	}{
		{"nothing is said", Access{}, nil, false, 0, Member},
		{"the default", Access{Default: Client}, nil, false, 0, Client},
		{"a secret", Access{Default: Client}, nil, true, Member, Member},
		{"a client's secret", Access{}, nil, true, Client, Client},
		{"a certificate without rules", Access{}, cert("x"), false, 0, Member},
		{"a certificate that a rule is for", rules, cert("a.nodes"), false, 0, Member},
		{"the first rule counts", rules, cert("c.nodes"), false, 0, Member},
		{"a client's certificate", rules, cert("a.clients"), false, 0, Client},
		{"a certificate no rule is for", rules, cert("a.others"), false, 0, Observer},
		{"a client's certificate and a member's secret", rules, cert("a.clients"), true, Member, Client},
		{"a member's certificate and a client's secret", rules, cert("a.nodes"), true, Client, Client},
		{"rules, and no certificate but a secret", rules, nil, true, Member, Member},
	} {
		require.Equal(t, c.want, c.access.classOf(c.cert, c.proved, c.secret), c.title)
	}
}

func TestRightsOfClasses(t *testing.T) {
	const granted = codec.RightStop | codec.RightSelect | codec.RightSpawn
	for class := range Class(classCount) {
		member := codec.Right(0)
		if class != Member {
			member = codec.RightMember
		}
		require.Equal(t, granted|member, Access{}.denied(class), "nothing is granted by default: %v", class)
		one := []Class{class}
		require.Equal(t, member, Access{Stop: one, Select: one, Spawn: one}.denied(class))
		require.Equal(t, member|codec.RightStop|codec.RightSpawn, Access{Select: one}.denied(class))
	}
}

func TestPatternsOfNamesAreChecked(t *testing.T) {
	for pattern, want := range map[string]string{
		"n1.shop.internal": "", "*.shop.internal": "", "10.0.0.1": "", "10.0.0.0/8": "", "::1": "", "spiffe://shop/node/1": "", "spiffe://shop/*": "",
		"": "everybody", "*": "everybody", "spiffe://*": "everybody", "spiffe:///*": "everybody", "spiffe://": "everybody",
		"spiffe://shop*": "behind a slash", "spiffe://*/node": "behind a slash", "spiffe://shop/*/*": "behind a slash",
		"*.": "first label", "n*.shop.internal": "first label", "*.*.internal": "first label", "**": "first label", "shop.*": "first label",
	} {
		if err := checkName(pattern); want == "" {
			require.NoError(t, err, pattern)
		} else {
			require.ErrorContains(t, err, want, pattern)
		}
	}
}

func TestAccessIsChecked(t *testing.T) {
	s := testSecret(t, canary)
	for want, a := range map[string]Access{
		"Default":                {Default: 3},
		"Certificates":           {Certificates: []CertificateClass{{"*", Client}}},
		"Exported":               {Exported: []string{"user/api"}},
		"/user/**/x":             {Exported: []string{"/user/**/x"}},
		"patterns":               {Exported: make([]string, 65)},
		"without Config.Secrets": {ClientSecrets: []Secret{s}},
		"names a class":          {Spawn: []Class{7}},
		"zero value":             {ObserverSecrets: []Secret{{}}},
	} {
		require.ErrorContains(t, Config{Access: a}.Validate(), want)
	}
	require.NoError(t, Config{Secrets: []Secret{s}, Access: Access{ClientSecrets: []Secret{s}, Exported: []string{"/user/a/**", "/user/*"}}}.Validate())
}

// TestGoldenOrder holds the bytes of an order to spawn still.
func TestGoldenOrder(t *testing.T) {
	sys := guarded(t, Config{}).sys
	o := Order{Kind: "echo", Args: 7}
	name, b, err := sys.Registry().Encode(sys.Scope(), nil, o)
	require.NoError(t, err)
	require.Equal(t, "troupe.remote.Order.v1", name)
	require.Equal(t, "\x04echo\x00\x03int\x01\x0e", string(b))
	got, err := sys.Registry().Decode(sys.Scope(), name, b)
	require.NoError(t, err)
	require.Equal(t, o, got)
	for n := range b {
		_, err := sys.Registry().Decode(sys.Scope(), name, b[:n])
		require.Error(t, err)
	}
}
