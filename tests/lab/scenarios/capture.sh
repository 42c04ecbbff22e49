#!/bin/sh
# Writes down every packet of this host's network in /tmp/capture until `capture-stops.sh`: a raw socket (AF_PACKET), since no
# capturing program is in the image.
set -eu
cat >/run/capture.pl <<'END'
use strict;
use Socket;
socket(my $packets, 17, SOCK_RAW, 0x0300) or die "no raw socket: $!";
setsockopt($packets, SOL_SOCKET, SO_RCVBUF, 64 << 20);
open(my $out, '>:raw', '/tmp/capture') or die $!;
$SIG{TERM} = sub { close($out); exit 0 };
my $packet;
while (defined(my $from = recv($packets, $packet, 65536, 0))) {
  # What stays on the host (its loopback is of kind 772) isn't on the wire.
  my (undef, undef, undef, $kind) = unpack('S n l S', $from);
  syswrite($out, $packet) unless $kind == 772;
}
END
rm -f /tmp/capture
systemd-run --quiet --unit=capture perl /run/capture.pl
while [ ! -e /tmp/capture ]; do sleep 0.1; done
