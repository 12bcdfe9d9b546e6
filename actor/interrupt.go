package actor

import (
	"os"
	ossignal "os/signal"
	"sync"
	"syscall"
)

// StopOnSignal begins the system's stop when the process gets one of the signals;
// without any, an interrupt or SIGTERM. The reason names the signal. A second
// signal then ends the process as if nobody had listened. The cancel function
// ends the listening, as the end of the system does. Nothing listens unless this
// is called, and what follows is up to the program:
//
//	sys.StopOnSignal()
//	<-sys.Stopped().Done()
//	err := sys.Stop(context.Background())
func (s *System) StopOnSignal(signals ...os.Signal) (cancel func()) {
	if len(signals) == 0 {
		signals = []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	caught := make(chan os.Signal, 1)
	ossignal.Notify(caught, signals...)
	var once sync.Once
	cancel = func() {
		once.Do(func() {
			ossignal.Stop(caught)
			close(caught)
		})
	}
	s.exec.Go(func() {
		sig, ok := <-caught
		if !ok {
			return
		}
		ossignal.Stop(caught)
		s.BeginStop("signal: " + sig.String())
	})
	s.gone.Notify(cancel)
	return cancel
}
