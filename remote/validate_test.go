package remote_test

import (
	"bytes"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

func TestAddressesNobodyCanDialAreRefused(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:77": "all interfaces", "[::]:77": "all interfaces", "[::ffff:0.0.0.0]:77": "all interfaces",
		":77": "is empty", "some.host:0": `port "0"`, "some.host:": `port ""`, "some.host:http": `port "http"`, "some.host:65536": "port",
		"some.host:-1": "port", "some.host:+1": "port", "some.host:077": "port", "some.host": "write host:port", "a:b:1": "write host:port",
		"224.0.0.1:77": "many machines", "[ff02::1]:77": "many machines", "255.255.255.255:77": "many machines",
		"[fe80::1%eth0]:77": "zone", "http//x:77": "no host name", "a@b:77": "no host name", "a..b:77": "no host name", ".a:77": "no host name",
		"*.shop:77": "no host name", "a#b:77": "no host name", strings.Repeat("x", 64) + ":77": "no host name",
		"300.1.1.1:77": "looks like an IP address", "10.0.1:77": "looks like an IP address", "a b:77": "visible ASCII", "bücher:77": "visible ASCII",
	} {
		t.Run(addr, func(t *testing.T) {
			require.ErrorContains(t, remote.Config{Advertise: addr}.Validate(), want)
		})
	}
	for _, addr := range []string{"10.0.0.1:77", "[::1]:77", "some.host:65535", "a:1", "node_1.shop.internal.:2551", "3com:1"} {
		require.NoError(t, remote.Config{Advertise: addr}.Validate(), addr)
	}
}

// negativeMeans are the settings of which a negative value is documented.
var negativeMeans = map[string]bool{
	"LargeMax": true, "CompressFrom": true, "Patience": true, "AcceptRate": true, "MemoryMax": true, "RenewEvery": true,
}

func TestNegativeSettingsAreRefused(t *testing.T) {
	typ := reflect.TypeFor[remote.Config]()
	for n := range typ.NumField() {
		field := typ.Field(n)
		if field.Type.Kind() != reflect.Int && field.Type.Kind() != reflect.Int64 {
			continue
		}
		t.Run(field.Name, func(t *testing.T) {
			var cfg remote.Config
			reflect.ValueOf(&cfg).Elem().Field(n).SetInt(-1)
			if negativeMeans[field.Name] {
				require.NoError(t, cfg.Validate())
			} else {
				require.ErrorContains(t, cfg.Validate(), field.Name)
			}
		})
	}
}

func TestSettingsThatContradictEachOtherAreRefused(t *testing.T) {
	var none *remote.TCP
	for title, c := range map[string]struct {
		cfg  remote.Config
		want string
	}{
		"no large messages, and actors for them": {remote.Config{LargeMax: -1, LargeTo: []string{"/user/x"}}, "LargeTo"},
		"no large messages, and a buffer":        {remote.Config{LargeMax: -1, LargeBufferMax: 1 << 20}, "LargeBufferMax"},
		"a transport that is nil":                {remote.Config{Transport: none}, "nil *remote.TCP"},
		"keys without TLS":                       {remote.Config{Keys: &remote.Keys{}}, "Keys without TLS"},
		"keys, and a TCP without TLS":            {remote.Config{Keys: &remote.Keys{}, Transport: &remote.TCP{}}, "Keys without TLS"},
		"a dial that takes less than no time":    {remote.Config{Transport: &remote.TCP{DialTimeout: -1}}, "DialTimeout"},
		"the name of a cluster that is too long": {remote.Config{Cluster: strings.Repeat("x", 256)}, "Cluster"},
	} {
		t.Run(title, func(t *testing.T) { require.ErrorContains(t, c.cfg.Validate(), c.want) })
	}
}

func TestNamesOfSystemsThatNoNodeTakesAreRefused(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem(strings.Repeat("x", 65), actor.Config{Logger: &quiet})
	if err != nil {
		return // it is refused even earlier
	}
	defer func() { require.NoError(t, sys.Stop(t.Context())) }()
	_, err = remote.Start(sys, remote.Config{})
	require.ErrorContains(t, err, "at most 64")
}

// lines is a log that a test reads.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestTrafficThatIsNotEncryptedIsWarnedOfAtStart(t *testing.T) {
	for title, c := range map[string]struct {
		listen string
		warned bool
	}{
		"all interfaces":         {"0.0.0.0:0", true},
		"the loopback interface": {"127.0.0.1:0", false},
	} {
		t.Run(title, func(t *testing.T) {
			var out lines
			log := zerolog.New(&out)
			sys, err := actor.NewSystem("test", actor.Config{Logger: &log})
			require.NoError(t, err)
			_, err = remote.Start(sys, remote.Config{
				Listen: c.listen, Advertise: "127.0.0.1:2551", Plaintext: true, Secrets: []remote.Secret{sharedSecret(t, "a")}, FlushTimeout: time.Second,
			})
			require.NoError(t, err)
			require.Equal(t, c.warned, strings.Contains(out.String(), "whoever is on the way can read and change it"))
			require.NoError(t, sys.Stop(t.Context()))
		})
	}
}
