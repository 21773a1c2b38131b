#!/bin/sh
# Compares wiretax with tshark, frame by frame: length, capture length, octets of TCP or UDP payload, and for frames of
# nothing but Ethernet, tags, IP and TCP or UDP also the octets of all headers (ip.hdr_len, tcp.hdr_len). Prints every
# difference, then how much was compared and how long each of the two took. Exit code 1 when something differs.
#
#	analyze/against_tshark.sh FILE...
#	find DIR -type f -print0 | xargs -0 analyze/against_tshark.sh
#
# Needs tshark and go, or a wiretax of your own: WIRETAX=./wiretax analyze/against_tshark.sh FILE...
set -eu
[ $# -gt 0 ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
if [ -z "${WIRETAX:-}" ]; then
	(cd "$(dirname "$0")/.." && go build -o "$work/wiretax" ./cmd/wiretax)
	WIRETAX=$work/wiretax
fi
: >"$work/differences"
now() { date +%s%N; }

ours=0 theirs=0
for file; do
	start=$(now)
	"$WIRETAX" analyze --frames --format csv "$file" >"$work/wiretax.csv" 2>/dev/null || true
	between=$(now)
	# What tshark reassembles, it shows in the last frame of several: off.
	tshark -n -r "$file" -o ip.defragment:FALSE -o ipv6.defragment:FALSE -o tcp.desegment_tcp_streams:FALSE -T fields -E occurrence=a \
		-e frame.number -e frame.len -e frame.cap_len -e frame.protocols -e ip.hdr_len -e tcp.hdr_len -e tcp.len -e udp.length \
		-e ip.flags.mf -e ip.frag_offset -e _ws.malformed -e ip.bogus_ip_length -e udp.length.bad >"$work/tshark.tsv" 2>/dev/null || true
	ours=$((ours + between - start)) theirs=$((theirs + $(now) - between))

	# Neither has an answer for lengths that contradict each other. tshark counts the custom blocks of pcapng as frames.
	awk -v file="$file" -F, '
	function last(list, part) { return part[split(list, part, ",")] }
	function differ(what, tshark, wiretax) {
		numbers++
		if (tshark "" != wiretax "") found = found sprintf("%s: frame %s [%s]: %s: tshark %s, wiretax %s\n", file, $1, $4, what, tshark, wiretax)
	}
	function end(pattern) { return match($4, pattern) ? RLENGTH : 0 }
	FNR == 1 { reader++ }
	reader == 1 && FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
	reader == 1 {
		ours++; len[$1] = $column["len"]; caplen[$1] = $column["caplen"]
		payload[$1] = $column["payload_bytes"]; header[$1] = $column["header_bytes"]
		next
	}
	{
		theirs++
		differ("length", $2, len[$1]); differ("capture length", $3, caplen[$1])
		tcp = end(".*:tcp"); udp = end(".*:udp"); transport = tcp > udp ? tcp : udp
		quoted = $4 ~ /icmp/; cut = tcp > udp ? $6 == "" || $7 == "" : $8 == ""
		fragment = $4 ~ /fraghdr/ || $9 ~ /1|True/ || $10 ~ /[1-9]/
		contradiction = $11 $12 $13 != "" || $6 != "" && last($6) < 20
		if (!transport || quoted || cut || fragment || contradiction || substr($4, transport) ~ /:(eth|ip|ipv6|arp|sctp)(:|$)/) next
		differ("payload", tcp > udp ? last($7) : last($8) - 8, payload[$1])
		if (transport == end("^eth:ethertype(:vlan:ethertype)*:(ip|ipv6):(tcp|udp)"))
			differ("headers", 14 + 4 * gsub(/:vlan/, "&", $4) + ($4 ~ /:ipv6:/ ? 40 : $5) + (tcp ? $6 : 8), header[$1])
	}
	END {
		if (ours != theirs) printf "%s: not compared: tshark has %d frames, wiretax %d\n", file, theirs, ours
		else { printf "%s", found; print theirs, numbers > "/dev/stderr" }
	}' "$work/wiretax.csv" FS="$(printf '\t')" "$work/tshark.tsv" >>"$work/differences" 2>>"$work/counts"
done
cat "$work/differences"
awk -v ours="$ours" -v theirs="$theirs" -v differences="$(wc -l <"$work/differences")" '
	{ frames += $1; numbers += $2 }
	END { printf "%d files, %d frames, %d numbers compared: %d differences; wiretax %.1f s, tshark %.1f s\n",
		NR, frames, numbers, differences, ours / 1e9, theirs / 1e9 }' "$work/counts"
[ ! -s "$work/differences" ]
