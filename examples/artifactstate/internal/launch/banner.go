package launch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// askNodes asks every node that serves HTTP for the members and whether it is
// ready. It returns the shortest list, so that all must agree.
func (l *Launcher) askNodes(ctx context.Context) ([]httpapi.Member, error) {
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	var least []httpapi.Member
	asked := false
	for _, n := range l.config.Nodes {
		if n.HTTP == "" {
			continue
		}
		var members []httpapi.Member
		if err := getJSON(ctx, &client, "http://"+n.HTTP+"/members", &members); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		if len(l.missing(members)) == 0 {
			var ready any
			if err := getJSON(ctx, &client, "http://"+n.HTTP+"/ready", &ready); err != nil {
				return nil, fmt.Errorf("%s: %w", n.Name, err)
			}
		}
		if !asked || len(l.missing(members)) > len(l.missing(least)) {
			least, asked = members, true
		}
	}
	return least, nil
}

func getJSON(ctx context.Context, client *http.Client, url string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	return json.Unmarshal(body, into)
}

// WriteTable writes the nodes with what the cluster says of them.
func WriteTable(w io.Writer, nodes []Node, members []httpapi.Member) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "  node\trole\tstatus\taddress\thttp")
	for _, n := range nodes {
		status := "not a member"
		for _, m := range members {
			if m.Address == n.Listen {
				status = m.Status
				if !m.Reachable {
					status += ", unreachable"
				}
			}
		}
		http := n.HTTP
		if http != "" {
			http = "http://" + http
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", n.Name, n.Role, status, n.Listen, cmp.Or(http, "–"))
	}
	return table.Flush()
}
