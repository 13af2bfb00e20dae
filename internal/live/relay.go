package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Setup is what a real mail server does besides taking mail on its first address.
type Setup struct {
	// Listen are further addresses: TLS comes first on port 465, and is offered on others. There a
	// recipient "refused" of any domain is refused.
	Listen []netip.AddrPort
	Routes []Route // mail for other domains is thrown away
	Login  Login   // of a Route with AUTH and, in Exim, of its own AUTH with any mechanism
}

// Route is where a mail server passes the mail for a domain on to. TLS comes first on port 465.
type Route struct {
	Domain string
	To     netip.AddrPort
	TLS    bool   // STARTTLS, or TLS first
	SNI    string // the name to ask for in TLS
	Auth   bool   // with the Login of the Setup
	Keep   bool   // the connection, for the next mail; Exim does so of itself
}

// Host is a command of the folder on a host of that name, with mounts of its own: a line of shell makes
// them.
func (r Root) Host(hostname, mounts, name string, args ...string) *exec.Cmd {
	script := "hostname " + hostname + "\n" + mounts + "\n" + `exec "$0" "$@"`
	cmd := r.Command("/bin/sh", append([]string{"-ec", script, name}, args...)...)
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUTS
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	return cmd
}

// logs gives the test what a server has written to a file, if it fails.
func (r Root) logs(t testing.TB, name string) {
	t.Cleanup(func() {
		if b, _ := os.ReadFile(r.Path(name)); t.Failed() {
			t.Logf("%s: %s", name, b)
		}
	})
}

// certificate writes a key and the certificate of mx.example.net, which it signs itself, to a file.
func (r Root) certificate(t testing.TB, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.example.net"},
		DNSNames: []string{"mx.example.net"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r.Write(t, name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}
