package traffic

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"time"
)

// serverName is the name in the certificate and in the client's SNI (RFC 2606 section 2: nobody's).
const serverName = "wiretax.example"

// identify makes the receiver's certificate for one run, in memory: one self-signed Ed25519 certificate, whose signatures have
// one length (RFC 8032), so that every handshake has the same octets. A public server's chain is longer.
func (r *run) identify(protocols ...string) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: serverName}, DNSNames: []string{serverName},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(maxSpan),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if r.terms.Certificate, err = x509.CreateCertificate(rand.Reader, template, template, public, private); err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	// Without dynamic sizing a message of up to 16 KiB is one record (RFC 8446 section 5.1), and a write one message.
	r.tls.server = &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: protocols, DynamicRecordSizingDisabled: true,
		Certificates: []tls.Certificate{{Certificate: [][]byte{r.terms.Certificate}, PrivateKey: private}}}
	return nil
}

// trust makes the sender trust the receiver's certificate, and no other.
func (r *run) trust(protocols ...string) error {
	certificate, err := x509.ParseCertificate(r.terms.Certificate)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(certificate)
	r.tls.client = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: trusted, ServerName: serverName, NextProtos: protocols,
		DynamicRecordSizingDisabled: true}
	return nil
}

// wireConn is a socket as crypto/tls wants it. Nothing has a deadline here: an end of the run shuts the socket down.
type wireConn struct {
	*inflow
	*outflow
}

func (wireConn) Close() error                     { return nil }
func (wireConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (wireConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (wireConn) SetDeadline(time.Time) error      { return nil }
func (wireConn) SetReadDeadline(time.Time) error  { return nil }
func (wireConn) SetWriteDeadline(time.Time) error { return nil }

// secure is a byte stream over TLS, or over nothing where the transport has none.
type secure struct {
	io.Reader
	io.Writer
	tls *tls.Conn
}

// secureClient and secureServer do the handshake of a TLS transport on a connected socket.
func (c *connection) secureClient(in *inflow, out *outflow) (secure, error) {
	if c.via.carrier != overTLS {
		return secure{in, out, nil}, nil
	}
	conn := tls.Client(wireConn{in, out}, c.tls.client)
	if err := conn.Handshake(); err != nil {
		return secure{}, fmt.Errorf("TLS handshake: %w", err)
	}
	state := conn.ConnectionState()
	c.note(c, map[string]any{
		"tls_version": tls.VersionName(state.Version), "tls_cipher_suite": tls.CipherSuiteName(state.CipherSuite),
		"tls_key_exchange": state.CurveID.String(), "tls_certificate_bytes": len(c.terms.Certificate),
	})
	c.sealer = &sealer{Writer: conn, sealed: &c.sentCalls}
	return secure{conn, c.sealer, conn}, nil
}

func (c *connection) secureServer(in *inflow, out *outflow) (secure, error) {
	if c.via.carrier != overTLS {
		return secure{in, out, nil}, nil
	}
	conn := tls.Server(wireConn{in, out}, c.tls.server)
	if err := conn.Handshake(); err != nil {
		return secure{}, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure{conn, conn, conn}, nil
}

// closeWrite says that no more follows (close_notify, RFC 8446 section 6.1).
func (s secure) closeWrite() error {
	if s.tls == nil {
		return nil
	}
	return s.tls.CloseWrite()
}

// finish reads what else the other end of TLS has to say: to the client the session ticket and the close_notify, to the server
// nothing but the end of the stream. Without it the server's FIN could overtake the client's.
func (s secure) finish(in *inflow) error {
	if s.tls == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, s.tls); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}
