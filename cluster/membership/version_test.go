package membership

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestVersionsAreOrdered(t *testing.T) { // section 1.21 of the behaviour reference
	ascending := []string{
		"", "branch-a", "main", "0.0.9", "1-rc1", "1", "1.2-RC1", "1.2-RC2", "1.2", "1.2.3-M1", "1.2.3", "1.2.3+10-abcd", "1.2.3+10", "1.2.3+11", "1.10",
	}
	for i, a := range ascending {
		require.NoError(t, ValidVersion(a), a)
		for j, b := range ascending {
			switch c := CompareVersions(a, b); {
			case i < j:
				require.Negative(t, c, "%q before %q", a, b)
			case i > j:
				require.Positive(t, c, "%q after %q", a, b)
			default:
				require.Zero(t, c, "%q", a)
			}
		}
	}
	require.Zero(t, CompareVersions("1.2", "1.2.0"))
	require.ErrorContains(t, ValidVersion("1.2.3.4"), "at most three numbers")
	require.ErrorContains(t, ValidVersion("1.x"), `"x" is no number`)
	require.ErrorContains(t, ValidVersion(string(make([]byte, 65))), "at most 64")
}

func FuzzVersions(f *testing.F) {
	f.Add("1.2.3", "1.2-rc1", "main+5")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, s := range []string{a, b, c} {
			if ValidVersion(s) != nil {
				t.Skip()
			}
		}
		require.Equal(t, CompareVersions(a, b), -CompareVersions(b, a))
		if CompareVersions(a, b) <= 0 && CompareVersions(b, c) <= 0 {
			require.LessOrEqual(t, CompareVersions(a, c), 0)
		}
	})
}

func TestNewestVersion(t *testing.T) {
	for _, c := range []struct {
		title  string
		have   []string
		newest string
		all    bool
	}{
		{"nobody", nil, "", true},
		{"none has one", []string{"", ""}, "", true},
		{"all the same", []string{"1.2", "1.2.0"}, "1.2", true},
		{"one is newer", []string{"1.2", "1.3", "1.2"}, "1.3", false},
		{"one has none", []string{"1.2", ""}, "1.2", false},
		{"the first has none", []string{"", "1.2"}, "1.2", false},
	} {
		s := State{Created: 1}
		for i, v := range c.have {
			s = s.with(Member{Node: node(string(rune('a' + i))), Status: Up, UpNumber: uint64(i + 1), AppVersion: v})
		}
		s = s.with(Member{Node: node("z"), Status: Joining, AppVersion: "9"})
		newest, all := s.NewestVersion("")
		require.Equal(t, c.newest, newest, c.title)
		require.Equal(t, c.all, all, c.title)
	}
}

func TestVersionsTravelWithMembers(t *testing.T) { // C1, C16
	w := newWorld(t, 1)
	w.config = func(c *Config) { c.AppVersion = "1.0" }
	w.form("a", "b")
	w.config = nil
	c := w.start("c")
	w.step(c, SetVersion{"x.y"}) // not one
	w.step(c, SetVersion{"2.0"})
	w.run(time.Second)
	require.Empty(t, c.core.View().Members(), "it waits to be told")
	w.step(c, JoinSeeds{[]string{addrOf("a"), addrOf("b")}})
	w.step(c, SetVersion{"3.0"}) // too late
	w.until("cluster", 5*time.Second, w.allUp("a", "b", "c"))
	for _, name := range []string{"a", "b", "c"} {
		v := w.nodes[addrOf(name)].core.View()
		for who, want := range map[string]string{"a": "1.0", "b": "1.0", "c": "2.0"} {
			m, _ := v.At(addrOf(who))
			require.Equal(t, want, m.AppVersion, "%s at %s", who, name)
		}
		newest, all := v.NewestVersion("")
		require.Equal(t, "2.0", newest)
		require.False(t, all)
	}
}
