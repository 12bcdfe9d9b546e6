// Command iot is the device tutorial: devices keep the temperatures of sensors,
// groups look after the devices of one place and query them all at once, and a
// manager looks after the groups. The tutorial page builds it step by step.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/troupe-go/troupe/actor"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	sys, err := actor.NewSystem("iot", actor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	err = tour(ctx, sys, os.Stdout)
	if errors.Is(err, context.Canceled) {
		err = nil // Ctrl-C
	}
	if err := errors.Join(err, sys.Stop(context.Background())); err != nil {
		log.Fatal(err)
	}
}

// house is who has which devices. The one with the crack never answers.
var house = []Track{
	{Group: "greenhouse", Device: "window"}, {Group: "greenhouse", Device: "door"},
	{Group: "cellar", Device: "wine"}, {Group: "cellar", Device: "cracked"},
}

// cracked is a device that takes messages and never answers.
type cracked struct{}

func (cracked) Receive(*actor.Context, DeviceMessage) {}

func newHouseDevice(id string) actor.Receiver[DeviceMessage] {
	if id == "cracked" {
		return cracked{}
	}
	return NewDevice(id)
}

// tour shows what the devices can do, and ends early with ctx.
func tour(ctx context.Context, sys *actor.System, out io.Writer) error {
	if err := StartManager(sys, newHouseDevice); err != nil {
		return err
	}
	manager, err := FindManager(ctx, sys)
	if err != nil {
		return err
	}
	devices := map[string]actor.Ref[DeviceMessage]{}
	for _, t := range house {
		device, err := actor.Ask(ctx, manager, t)
		if err != nil {
			return err
		}
		devices[t.Device] = device
		fmt.Fprintln(out, "registered", device.Path())
	}
	for _, id := range []string{"window", "wine"} {
		if _, err := actor.Ask(ctx, devices[id], Record{Celsius: 12.5}); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has measured 12.5 °C\n", id)
	}
	if err := showAll(ctx, manager, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nthe device at the door is stopped")
	if err := actor.GracefulStop(ctx, devices["door"]); err != nil {
		return err
	}
	// The group learns of it a moment later. A query that comes first finds the
	// device gone.
	return showAll(ctx, manager, out)
}

// showAll queries every group and prints what it says.
func showAll(ctx context.Context, manager actor.Ref[ManagerMessage], out io.Writer) error {
	ids, err := actor.Ask(ctx, manager, Groups{})
	if err != nil {
		return err
	}
	for _, id := range ids {
		group, err := actor.Ask(ctx, manager, GroupOf{Group: id})
		if err != nil {
			return err
		}
		answers, err := actor.Ask(ctx, group, Temperatures{Within: 500 * time.Millisecond})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s\n", id)
		for _, device := range slices.Sorted(maps.Keys(answers)) {
			a := answers[device]
			if a.Outcome == Measured {
				fmt.Fprintf(out, "  %-8s %.1f °C\n", device, a.Celsius)
				continue
			}
			fmt.Fprintf(out, "  %-8s %s\n", device, a.Outcome)
		}
	}
	return nil
}
