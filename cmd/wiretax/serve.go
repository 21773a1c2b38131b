package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/capture"
	"wiretax/capture/peer"
	"wiretax/capture/privilege"
)

// controlPort is where serve listens unless told otherwise. It is not assigned (IANA service names and port numbers), nor is the
// next one, which the test traffic uses.
const controlPort = 5238

// serveFlags are the flags of wiretax serve.
type serveFlags struct {
	iface    string
	listen   string
	testPort uint16
	keyFile  string
	newKey   string
	offloads string
	once     bool
	user     string
	bytes    octets
	rate     rate
	duration time.Duration
}

func newServeCommand() *cobra.Command {
	f := &serveFlags{bytes: 1e9, rate: 1e9}
	c := &cobra.Command{
		Use:   "serve -i IF --key-file FILE [flags]",
		Short: "the far end of a run between two hosts",
		Long: fmt.Sprintf(`Wait for wiretax run --to on another host, receive and answer its messages,
capture them on IF, and send the capture home over the control connection. Both
hosts need the same key file, which wiretax serve --new-key makes: copy it as
you copy an SSH key. The control connection is TLS 1.3 with keys that both
derive from it.

Test traffic goes to the address of the control connection alone, and is taken
from no other. One session is served at a time; a second client is told so.
A client may ask for as much as the limits below allow.

Firewall: TCP port %d for control, TCP and UDP port %d for the test traffic,
from the other host; no address translation between the two. Opening the
captures needs CAP_NET_RAW, switching offloads off CAP_NET_ADMIN: start it with
sudo. It gives up both, and root, before it listens to anybody.`, controlPort, controlPort+1),
		Example: `  wiretax serve --new-key wiretax.key
  sudo wiretax serve -i eth1 --key-file wiretax.key
  sudo wiretax serve -i eth1 --listen 192.0.2.2:6000 --key-file wiretax.key
  sudo wiretax run --to 192.0.2.2 -i eth1 --key-file wiretax.key    # there`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, f) },
	}
	fl := c.Flags()
	fl.StringVarP(&f.iface, "interface", "i", "", "the `INTERFACE` that the other host is reached by")
	fl.StringVar(&f.listen, "listen", fmt.Sprintf(":%d", controlPort), "`ADDRESS:PORT` of the control connection; without an address all that the interface has")
	fl.Uint16Var(&f.testPort, "test-port", 0, "TCP and UDP `PORT` of the test traffic (default: the one after that of --listen)")
	fl.StringVar(&f.keyFile, "key-file", "", "`FILE` with the secret that both hosts share: 16 bytes or more, random, readable by its owner alone")
	fl.StringVar(&f.newKey, "new-key", "", "make a key `FILE`, and stop")
	fl.StringVar(&f.offloads, "offloads", "off", "`off|keep` segmentation offload of the interface; off: until the server ends")
	fl.StringVarP(&f.user, "relinquish-privileges", "Z", "", "once captures and ports are open, become this `USER` (default under sudo: who\ncalled it); capabilities are given up in any case")
	fl.BoolVarP(&f.once, "once", "1", false, "end after one session")
	fl.Var(&f.bytes, "max-bytes", "bytes of messages and answers in one trial, at most, with k, M or G")
	fl.Var(&f.rate, "max-rate", "bit/s of UDP datagrams on the wire, at most, at either end; 0: no limit. TCP and QUIC have a congestion control")
	fl.DurationVar(&f.duration, "max-duration", time.Hour, "`TIME` of a session, at most")
	return c
}

// octets is a flag of a number of bytes with an SI suffix.
type octets int64

var _ pflag.Value = (*octets)(nil)

func (o *octets) Type() string   { return "BYTES" }
func (o *octets) String() string { return formatRate(int64(*o)) }

func (o *octets) Set(s string) error {
	number, factor := s, 1.0
	for i, suffix := range []string{"k", "M", "G"} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			number, factor = n, math.Pow(1000, float64(i+1))
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if v *= factor; err != nil || !(v >= 1 && v <= 1e12) {
		return fmt.Errorf("want bytes from 1 to 1000G, such as 10M")
	}
	*o = octets(v)
	return nil
}

func (f *serveFlags) check(c *cobra.Command) error {
	switch {
	case f.iface == "":
		return usagef(c, "-i is missing: the interface that the other host is reached by")
	case f.keyFile == "":
		return usagef(c, "--key-file is missing (wiretax serve --new-key FILE makes one)")
	case f.offloads != "off" && f.offloads != "keep":
		return usagef(c, "--offloads %s: want off or keep", f.offloads)
	case f.duration <= 0:
		return usagef(c, "--max-duration %v: want a time such as 1h", f.duration)
	}
	return nil
}

func serve(c *cobra.Command, f *serveFlags) (err error) {
	if f.newKey != "" {
		if err := peer.WriteNewKey(f.newKey); err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "wiretax: key written to %s: copy it to the other host, to nobody else\n", f.newKey)
		return nil
	}
	if err := f.check(c); err != nil {
		return err
	}
	if err := known(c, "-i", f.iface); err != nil {
		return err
	}
	key, err := peer.ReadKey(f.keyFile)
	if err != nil {
		return err
	}
	become, err := privilege.Invoker(f.user)
	if err != nil {
		return err
	}
	giveBack, err := plainFrames(f.iface, f.offloads)
	if err != nil {
		return err
	}
	defer giveBack(&err)
	s := &capture.Server{
		Place: capture.Place{Interface: f.iface}, Key: key, Port: f.testPort, Version: version, Once: f.once,
		Limits: capture.Limits{Bytes: int64(f.bytes), Rate: int64(f.rate), Duration: f.duration},
		Log: func(line string) {
			fmt.Fprintf(c.ErrOrStderr(), "%s wiretax: %s\n", time.Now().Format(time.DateTime), oneLine(line))
		},
	}
	l, err := s.Listen(c.Context(), f.listen)
	if err != nil {
		return captureAdvice(err)
	}
	if err := privilege.Drop(become); err != nil {
		return err
	}
	s.Log(fmt.Sprintf("listening on %v, interface %s, test traffic on port %d; limits: %s bytes a trial, %v a session, %s bit/s of datagrams",
		l.Addr(), f.iface, s.Port, f.bytes.String(), f.duration, limitText(f.rate)))
	if err := s.Serve(c.Context(), l); err != nil {
		return err
	}
	s.Log("ended")
	return nil
}

func limitText(r rate) string {
	if r == 0 {
		return "any number of"
	}
	return r.String()
}
