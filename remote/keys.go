package remote

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// Revocations makes the keys refuse what a list of revoked certificates names: a
// file of PEM or DER, of one of the authorities, or of several of them if it is PEM.
// It is read now and whenever the keys are loaded again, and then connections of
// those on it are ended by [Remote.Recheck]. How old a list is doesn't count.
func (k *Keys) Revocations(file string) error {
	k.loadMu.Lock()
	old := k.revokedFile
	k.revokedFile = file
	k.loadMu.Unlock()
	err := k.Reload()
	if err != nil {
		k.loadMu.Lock()
		k.revokedFile = old
		k.loadMu.Unlock()
	}
	return err
}

// serial names a certificate: its number, and who gave it.
type serial struct{ issuer, number string }

func serialOf(c *x509.Certificate) serial {
	return serial{string(c.RawIssuer), c.SerialNumber.String()}
}

// readRevoked reads lists of revoked certificates; no file means none.
func readRevoked(file string, authorities []*x509.Certificate) (map[serial]struct{}, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("load revocations: %w", err)
	}
	revoked := map[serial]struct{}{}
	lists := 0
	for block, rest := pem.Decode(b); ; block, rest = pem.Decode(rest) {
		der := b
		if block != nil {
			der = block.Bytes
		} else if lists > 0 {
			return revoked, nil
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, fmt.Errorf("load revocations %s: %w", file, err)
		}
		if !signedByOne(list, authorities) {
			return nil, fmt.Errorf("load revocations %s: a list of %q is not signed by one of the authorities", file, printable(list.Issuer.String()))
		}
		for _, e := range list.RevokedCertificateEntries {
			revoked[serial{string(list.RawIssuer), e.SerialNumber.String()}] = struct{}{}
		}
		if lists++; block == nil {
			return revoked, nil
		}
	}
}

func signedByOne(list *x509.RevocationList, authorities []*x509.Certificate) bool {
	for _, a := range authorities {
		if list.CheckSignatureFrom(a) == nil {
			return true
		}
	}
	return false
}

// parseAuthorities reads all certificates of a PEM file.
func parseAuthorities(b []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("no certificate; it must be PEM")
	}
	return all, nil
}

// state is a digest of all files; what can't be read counts as empty.
func (k *Keys) state() [sha256.Size]byte {
	k.loadMu.Lock()
	defer k.loadMu.Unlock()
	return k.stateLocked()
}

func (k *Keys) stateLocked() [sha256.Size]byte {
	files := []string{k.certFile, k.keyFile, k.authoritiesFile, k.revokedFile}
	h := sha256.New()
	for _, f := range files {
		b, _ := os.ReadFile(f)
		sum := sha256.Sum256(b)
		_, _ = h.Write(sum[:]) // never fails
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// keeper looks after Config.Keys.
type keeper struct {
	state  [sha256.Size]byte
	failed string // what was said last
}

const (
	keysEveryDefault = 10 * time.Second
	renewOver        = time.Minute
	reminderEvery    = time.Hour
)

// lookAfterKeys reads files again when they have changed. It is called from a timer,
// and reads on a goroutine of the executor.
func (r *Remote) lookAfterKeys(k *keeper) {
	if r.closing.Load() {
		return
	}
	r.sys.Executor().Go(func() {
		r.checkKeys(k)
		r.every(r.cfg.keysEvery(), func() { r.lookAfterKeys(k) })
	})
}

func (r *Remote) checkKeys(k *keeper) {
	keys := r.cfg.Keys
	state := keys.state()
	if state == k.state {
		return
	}
	if err := keys.Reload(); err != nil {
		if k.failed != err.Error() {
			k.failed = err.Error()
			r.log.Error().Err(err).Msg("the files of the certificate have changed and can't be used; what was loaded before stays in use")
		}
		return
	}
	k.state, k.failed = state, ""
	r.log.Info().Time("expires", keys.Expires()).Msg("certificate and authorities loaded again")
	ended := r.Recheck()
	r.Renew(renewOver)
	r.sys.Publish(KeysLoaded{Expires: keys.Expires(), Ended: ended})
}

// every calls f once after d, unless remoting is closed by then.
func (r *Remote) every(d time.Duration, f func()) {
	r.timersMu.Lock()
	defer r.timersMu.Unlock()
	if r.timersOver {
		return
	}
	if r.timers == nil {
		r.timers = map[uint64]func() bool{}
	}
	r.lastTimer++
	id := r.lastTimer
	r.timers[id] = r.clock.AfterFunc(d, func() {
		r.timersMu.Lock()
		_, due := r.timers[id]
		delete(r.timers, id)
		r.timersMu.Unlock()
		if due {
			f()
		}
	}).Stop
}

// stopTimers ends what every has begun.
func (r *Remote) stopTimers() {
	r.timersMu.Lock()
	defer r.timersMu.Unlock()
	r.timersOver = true
	for _, stop := range r.timers { //det:ok all are stopped
		stop()
	}
	r.timers = nil
}

// remind says at once, and then each hour, that traffic can be read on the way.
func (r *Remote) remind() {
	r.log.Warn().Str("addr", r.self.Addr).Msg("traffic with other machines is not encrypted: whoever is on the way can read and change it; set TCP.TLS")
	r.every(reminderEvery, r.remind)
}
