package peer

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"time"
)

// Key proves to each end that the other has the same secret. Each end's Ed25519 key (RFC 8032) is derived from the secret by
// HKDF (RFC 5869), and each knows the other's: nothing but the two derived keys is ever accepted, and the secret is never sent.
// Who reaches the server's port sees its derived public key and could try secrets against it: a secret has to be random, not a
// password.
type Key struct{ client, server ed25519.PrivateKey }

const (
	leastSecret = 16      // octets: 128 bits, if they are random
	mostSecret  = 1 << 16 // octets
)

// NewKey derives the keys from a secret.
func NewKey(secret []byte) (*Key, error) {
	secret = bytes.TrimSpace(secret) // the same file with and without the last newline
	switch {
	case len(secret) < leastSecret:
		return nil, fmt.Errorf("secret has %d bytes, want %d at least", len(secret), leastSecret)
	case len(secret) > mostSecret:
		return nil, fmt.Errorf("secret has more than %d bytes", mostSecret)
	}
	k := new(Key)
	for info, derived := range map[string]*ed25519.PrivateKey{"wiretax client": &k.client, "wiretax server": &k.server} {
		seed, err := hkdf.Key(sha256.New, secret, nil, info, ed25519.SeedSize)
		if err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
		*derived = ed25519.NewKeyFromSeed(seed)
	}
	return k, nil
}

// ErrOpenKey says that others may read the key file.
var ErrOpenKey = errors.New("others may read it")

// ReadKey reads the file that holds the secret. It must be its owner's alone: who can read it can make a server send.
func ReadKey(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s: mode %04o: %w", path, info.Mode().Perm(), ErrOpenKey)
	}
	secret, err := io.ReadAll(io.LimitReader(f, mostSecret+2))
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	k, err := NewKey(secret)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return k, nil
}

// WriteNewKey makes a key file with 256 random bits, readable by its owner alone. It replaces no file.
func WriteNewKey(path string) error {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("draw key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(secret))
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}

// ErrKey says that the other end has another secret.
var ErrKey = errors.New("the other end has another key")

// tls is the configuration of an end: its own derived key, and the other's as the only one that it accepts.
func (k *Key) tls(own, other ed25519.PrivateKey) (*tls.Config, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wiretax"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), // keys end with their file
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	want := other.Public().(ed25519.PublicKey)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: own}},
		ClientAuth:   tls.RequireAnyClientCert,
		// No name and no authority vouches for a key here: it is the one that the secret gives, or it is not.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return ErrKey
			}
			if got, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey); !ok || !got.Equal(want) {
				return ErrKey
			}
			return nil
		},
	}, nil
}
