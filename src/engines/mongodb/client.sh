# shellcheck shell=sh
# A small client of MongoDB's wire protocol for the probe and the step scripts: mongo_client OPERATION HOSTS PORT KEYFILE WORD...
#
# Changes only what the operation says (their table is at the end of the program). Written in Perl, with nothing but perl-base,
# which every Debian host has; MongoDB's own shell often isn't there and takes seconds a call. Its limit: mongo_limit (seconds).
mongo_client() {
  timeout -k 1 "${mongo_limit:-20}" perl /dev/fd/3 "$@" 3<<'MONGO_CLIENT'
# MongoDB's wire protocol in Perl, with nothing but perl-base (on every Debian host): no mongosh, no driver.
#
# Reads and changes what the named operation says (the table at the end) and nothing else. A key file is the password of the
# internal user __system (SCRAM-SHA-256, both sides proved); it is read here and never printed.
# Arguments: OPERATION HOSTS PORT KEYFILE WORD... HOSTS by comma, tried in turn; KEYFILE may be empty.
# Exit codes: 0 done; 1 the server refused, or can't be reached: one sentence on standard error. Each operation can be run again.
use strict;
use warnings;
use Socket qw(getaddrinfo SOCK_STREAM IPPROTO_TCP TCP_NODELAY);

my ($operation, $hosts, $port, $key_file, @words) = @ARGV;
our $patience = 5;    # seconds for one answer
my $request_id = 0;

# ---- BSON: a document is a list of [type, name, value]; values of types that aren't needed stay as their bytes.
sub str  { [ 2, $_[0], $_[1] ] }
sub doc  { [ 3, $_[0], $_[1] ] }
sub list { [ 4, $_[0], [ map { [ $_[1][$_][0], $_, $_[1][$_][2] ] } 0 .. $#{ $_[1] } ] ] }
sub bin  { [ 5, $_[0], "\0$_[1]" ] }
sub bool { [ 8, $_[0], $_[1] ? 1 : 0 ] }
sub i32  { [ 16, $_[0], $_[1] ] }

sub encode {
    my $body = '';
    for (@{ $_[0] }) {
        my ($type, $name, $value) = @$_;
        $body .= chr($type) . "$name\0";
        if    ($type == 1)  { $body .= pack 'd<', $value }
        elsif ($type == 2)  { $body .= pack('V', 1 + length $value) . "$value\0" }
        elsif ($type == 3 || $type == 4) { $body .= encode($value) }
        elsif ($type == 5)  { $body .= pack('V', length($value) - 1) . $value }
        elsif ($type == 8)  { $body .= chr $value }
        elsif ($type == 9 || $type == 18) { $body .= pack 'q<', $value }
        elsif ($type == 16) { $body .= pack 'l<', $value }
        elsif ($type == 7 || $type == 17) { $body .= $value }
        elsif ($type == 10) { }
        else { die "a document of BSON type $type can't be written back\n" }
    }
    return pack('V', 5 + length $body) . "$body\0";
}

sub decode {
    my ($bytes) = @_;
    my ($at, $end, @fields) = (4, length($bytes) - 1);
    my $take = sub {
        my $part = substr $bytes, $at, $_[0];
        length($part) == $_[0] or die "the server's answer is cut\n";
        $at += $_[0];
        return $part;
    };
    my $text = sub {
        my $stop = index $bytes, "\0", $at;
        $stop >= 0 or die "the server's answer is cut\n";
        my $part = substr $bytes, $at, $stop - $at;
        $at = $stop + 1;
        return $part;
    };
    while ($at < $end) {
        my $type = ord $take->(1);
        my $name = $text->();
        my $value;
        if    ($type == 1)  { $value = unpack 'd<', $take->(8) }
        elsif ($type == 2 || $type == 13 || $type == 14) { $value = $take->(unpack 'V', $take->(4)); chop $value }
        elsif ($type == 3 || $type == 4) { $value = decode($take->(unpack 'V', substr $bytes, $at, 4)) }
        elsif ($type == 5)  { $value = $take->(1 + unpack 'V', $take->(4)) }
        elsif ($type == 7)  { $value = $take->(12) }
        elsif ($type == 8)  { $value = ord $take->(1) }
        elsif ($type == 9 || $type == 18) { $value = unpack 'q<', $take->(8) }
        elsif ($type == 16) { $value = unpack 'l<', $take->(4) }
        elsif ($type == 17) { $value = $take->(8) }
        elsif ($type == 10 || $type == 6 || $type == 255 || $type == 127) { $type = 10 }
        elsif ($type == 11) { $value = $text->() . '/' . $text->() }
        elsif ($type == 19) { $take->(16); $value = '' }
        else { die "BSON type $type isn't known\n" }
        push @fields, [ $type, $name, $value ];
    }
    return \@fields;
}

sub field {
    my ($document, @path) = @_;
    for my $name (@path) {
        return unless ref $document;
        my ($found) = grep { $_->[1] eq $name } @$document;
        return unless $found;
        $document = $found->[2];
    }
    return $document;
}

sub json_text {
    my ($text) = @_;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([\x00-\x1f\x7f])/sprintf '\\u%04x', ord $1/ge;
    return qq("$text");
}

# Dates as milliseconds, timestamps as [seconds, counter], object ids as hexadecimal digits.
sub json {
    my ($type, $value) = @_;
    return '[' . join(',', map { json(@$_[ 0, 2 ]) } @$value) . ']' if $type == 4;
    return '{' . join(',', map { json_text($_->[1]) . ':' . json(@$_[ 0, 2 ]) } @$value) . '}' if $type == 3;
    return $value ? 'true' : 'false' if $type == 8;
    return $value if $type == 9 || $type == 16 || $type == 18;
    return $value =~ /^-?[0-9]/ ? $value : 'null' if $type == 1;
    return '[' . join(',', (unpack 'VV', $value)[ 1, 0 ]) . ']' if $type == 17;
    return json_text(unpack 'H*', $value) if $type == 7;
    return 'null' if $type == 10 || $type == 5;
    return json_text($value);
}

# ---- SHA-256, as perl-base has none; the compression function is generated, as loops would take four times as long.
my @primes;
for (my $n = 2; @primes < 64; $n++) {
    push @primes, $n unless grep { $n % $_ == 0 } @primes;
}
sub fraction { int(($_[0] - int $_[0]) * 2**32) }
my @sha_start = map { fraction(sqrt $_) } @primes[ 0 .. 7 ];

sub sha_generate {
    my @round = map { fraction($_**(1 / 3)) } @primes;
    my $text = 'use integer; sub { my ($s, @w) = ($_[0], unpack "N16", $_[1]); my ($a, $b, $c, $d, $e, $f, $g, $h) = @$s; my ($t, $x);';
    my @v = map { "\$$_" } 'a' .. 'h';
    # A word doubled (x | x << 32) turns a rotation into a shift; bits above 32 are masked away at the end.
    for my $i (0 .. 63) {
        my $w = sprintf '$w[%d]', $i & 15;
        if ($i > 15) {
            my ($p, $q, $r) = map { sprintf '$w[%d]', ($i - $_) & 15 } 15, 2, 7;
            $text .= "\$x = $p | $p << 32; \$t = $q | $q << 32;"
              . "$w = ($w + $r + ((\$x >> 7 ^ \$x >> 18) & 0xffffffff ^ $p >> 3) + ((\$t >> 17 ^ \$t >> 19) & 0xffffffff ^ $q >> 10)) & 0xffffffff;";
        }
        my ($a, $b, $c, $d, $e, $f, $g, $h) = @v;
        $text .= "\$x = $e | $e << 32; \$t = $h + $round[$i] + $w + ((\$x >> 6 ^ \$x >> 11 ^ \$x >> 25) & 0xffffffff) + ($g ^ $e & ($f ^ $g));"
          . "$d = ($d + \$t) & 0xffffffff; \$x = $a | $a << 32;"
          . "$h = (\$t + ((\$x >> 2 ^ \$x >> 13 ^ \$x >> 22) & 0xffffffff) + ($a & $b | $c & ($a | $b))) & 0xffffffff;\n";
        unshift @v, pop @v;
    }
    $text .= '[ map { $_ & 0xffffffff } $$s[0] + $a, $$s[1] + $b, $$s[2] + $c, $$s[3] + $d, $$s[4] + $e, $$s[5] + $f, $$s[6] + $g, $$s[7] + $h ] }';
    return eval $text || die $@;
}
my $compress;

# The rest of a hash whose first $done bytes are in $state.
sub sha_end {
    my ($state, $bytes, $done) = @_;
    my $padded = $bytes . "\x80";
    $padded .= "\0" x ((56 - length $padded) % 64) . pack 'Q>', 8 * ($done + length $bytes);
    $state = $compress->($state, substr $padded, 64 * $_, 64) for 0 .. length($padded) / 64 - 1;
    return pack 'N8', @$state;
}

sub sha256 { $compress ||= sha_generate(); return sha_end(\@sha_start, $_[0], 0) }

# HMAC with the key's two blocks hashed once.
sub hmac_of {
    my ($key) = @_;
    $key = sha256($key) if length $key > 64;
    $key .= "\0" x (64 - length $key);
    $compress ||= sha_generate();
    my ($inner, $outer) = map { $compress->(\@sha_start, $key ^ $_ x 64) } "\x36", "\x5c";
    return sub { sha_end($outer, sha_end($inner, $_[0], 64), 64) };
}

sub salted {
    my ($password, $salt, $iterations) = @_;
    # The whole of perl does it in a fiftieth of the time.
    my $hmac = eval { require Digest::SHA; 1 } ? sub { Digest::SHA::hmac_sha256($_[0], $password) } : hmac_of($password);
    my $sum = my $block = $hmac->("$salt\0\0\0\1");
    for (2 .. $iterations) {
        $block = $hmac->($block);
        $sum ^= $block;
    }
    return $sum;
}

sub base64 {
    my ($bytes) = @_;
    my $text = '';
    while ($bytes =~ /(.{1,45})/gs) {
        my $line = substr pack('u', $1), 1;
        chomp $line;
        $text .= $line;
    }
    $text =~ tr|` -_|AA-Za-z0-9+/|;
    my $short = (3 - length($bytes) % 3) % 3;
    $text =~ s/.{$short}$/'=' x $short/e if $short;
    return $text;
}

sub unbase64 {
    my ($text) = @_;
    $text =~ tr|A-Za-z0-9+/||cd;
    $text =~ tr|A-Za-z0-9+/| -_|;
    my $bytes = '';
    $bytes .= unpack 'u', chr(32 + int(length($1) * 3 / 4)) . $1 while $text =~ /(.{1,60})/g;
    return $bytes;
}

# ---- The connection.
sub connection {
    my ($host, $port) = @_;
    my ($error, @addresses) = getaddrinfo($host, $port, { socktype => SOCK_STREAM });
    die "$host isn't known here: $error\n" if $error;
    my $why;
    for my $address (@addresses) {
        socket(my $socket, $address->{family}, SOCK_STREAM, 0) or die "no socket: $!\n";
        if (within($patience, "$host:$port", sub { connect $socket, $address->{addr} })) {
            setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
            return { socket => $socket, name => "$host:$port" };
        }
        $why = "$!";
    }
    die "can't connect to $host:$port: $why\n";
}

# Runs a piece of code that must end within some seconds.
sub within {
    my ($seconds, $name, $code) = @_;
    my $result = eval {
        local $SIG{ALRM} = sub { die "no answer from $name in $seconds s\n" };
        alarm $seconds;
        my $value = $code->();
        alarm 0;
        $value;
    };
    alarm 0;
    die $@ if $@;
    return $result;
}

sub read_bytes {
    my ($socket, $count) = @_;
    my $bytes = '';
    while (length $bytes < $count) {
        my $got = sysread $socket, $bytes, $count - length $bytes, length $bytes;
        die "the server closed the connection\n" unless $got;
    }
    return $bytes;
}

# What the server answers to a command; the answer may be an error.
sub ask {
    my ($connection, $database, @command) = @_;
    my $socket = $connection->{socket};
    # A secondary, or a member without a configuration, answers reads only when asked so.
    my @common = (str('$db', $database), doc('$readPreference', [ str(mode => 'secondaryPreferred') ]));
    my $body = "\0\0\0\0\0" . encode([ @command, @common ]);
    my $message = pack('V4', 16 + length $body, ++$request_id, 0, 2013) . $body;
    return within($patience, $connection->{name}, sub {
        local $SIG{PIPE} = 'IGNORE';
        while (length $message) {
            my $sent = syswrite $socket, $message;
            die "the server closed the connection\n" unless $sent;
            substr $message, 0, $sent, '';
        }
        my ($length, undef, undef, $code) = unpack 'V4', read_bytes($socket, 16);
        die "the answer isn't MongoDB's\n" unless $code == 2013 && $length >= 26 && $length <= 48_000_000;
        return decode(substr read_bytes($socket, $length - 16), 5);
    });
}

sub why { my ($answer) = @_; (field($answer, 'codeName') || 'error') . ': ' . (field($answer, 'errmsg') || 'no reason given') }

# The same, but an error of the server's is one of ours.
sub command {
    my $answer = ask(@_);
    die why($answer) . "\n" unless field($answer, 'ok');
    return $answer;
}

# The first key of a key file: base64 with white space anywhere, or a YAML list of such.
sub key {
    open my $file, '<', $key_file or die "the key file $key_file can't be read: $!\n";
    my $text = do { local $/; <$file> };
    $text = $1 if $text =~ /^\s*-\s+(.*?)(?:\n\s*-\s.*)?$/s;
    $text =~ s/["'\s]//g;
    length $text or die "the key file $key_file is empty\n";
    return $text;
}

sub log_in {
    my ($connection) = @_;
    open my $random, '<', '/dev/urandom' or die "no randomness: $!\n";
    my $nonce = base64(read_bytes($random, 18));
    my $first = "n=__system,r=$nonce";
    my $answer = command($connection, 'local', i32(saslStart => 1), str(mechanism => 'SCRAM-SHA-256'),
        bin(payload => "n,,$first"), doc(options => [ bool(skipEmptyExchange => 1) ]));
    my $second = substr field($answer, 'payload'), 1;
    my %part = map { split /=/, $_, 2 } split /,/, $second;
    die "the server's login answer isn't understood\n" unless index($part{r} || '', $nonce) == 0 && ($part{i} || 0) >= 4096;
    my $salted = hmac_of(salted(key(), unbase64($part{s}), $part{i}));
    my $client = $salted->('Client Key');
    my $final = "c=biws,r=$part{r}";
    my $proof = base64($client ^ hmac_of(sha256($client))->("$first,$second,$final"));
    $answer = command($connection, 'local', i32(saslContinue => 1), [ 16, 'conversationId', field($answer, 'conversationId') ],
        bin(payload => "$final,p=$proof"));
    my $signature = base64(hmac_of($salted->('Server Key'))->("$first,$second,$final"));
    die "$connection->{name} doesn't know the key: it isn't a member's server\n"
      unless substr(field($answer, 'payload'), 1) eq "v=$signature" && field($answer, 'done');
}

# A connection to the first of the hosts that answers; not logged in.
sub stranger {
    my ($hosts, $port) = @_;
    my $why;
    for my $host (split /,/, $hosts) {
        my $connection = eval { connection($host, $port) };
        return $connection if $connection;
        $why ||= $@;
    }
    die $why || "no host is given\n";
}

# The same, logged in where there is a key file.
sub server {
    my $connection = stranger(@_);
    log_in($connection) if length $key_file;
    return $connection;
}


sub hello { command($_[0], 'admin', i32(hello => 1)) }

sub host_and_port { $_[0] =~ /^\[?(.*?)\]?:([0-9]+)$/ or die "\"$_[0]\" is no member's address\n"; return ($1, $2) }

# HOST:PORT of the primary of the set that the server at HOST:PORT belongs to, whoever was elected.
sub primary_of {
    my ($place) = @_;
    my $hello = hello(stranger(host_and_port($place)));
    return field($hello, 'primary') || die "the set has no primary now: $place sees none\n";
}

sub config { field(command($_[0], 'admin', i32(replSetGetConfig => 1)), 'config') }

# Changes a field of a document in place, or adds it.
sub put {
    my ($document, $new) = @_;
    my ($old) = grep { $_->[1] eq $new->[1] } @$document;
    if ($old) { @$old = @$new } else { push @$document, $new }
}

# What a member is, in one word: MongoDB's own state, `standalone`, or `uninitiated`.
sub state_word {
    my ($hello) = @_;
    return 'mongos' if (field($hello, 'msg') || '') eq 'isdbgrid';
    return 'uninitiated' if field($hello, 'isreplicaset');
    return 'standalone' unless field($hello, 'setName');
    return 'primary' if field($hello, 'isWritablePrimary');
    return 'arbiter' if field($hello, 'arbiterOnly');
    return field($hello, 'secondary') ? 'secondary' : 'other';
}

# The databases that people made, as [name, bytes of documents]; MongoDB's own three only where somebody put a collection there.
sub databases {
    my ($connection) = @_;
    my $list = command($connection, 'admin', i32(listDatabases => 1), bool(nameOnly => 1));
    my @found;
    for my $name (map { field($_->[2], 'name') } @{ field($list, 'databases') }) {
        next if $name eq 'admin' || $name eq 'config' || $name eq 'local';
        my $stats = command($connection, $name, i32(dbStats => 1));
        push @found, [ $name, sprintf '%.0f', field($stats, 'dataSize') ];
    }
    return @found;
}

# Users and roles, and collections outside MongoDB's own: what somebody made beside databases. A server that waits for its set
# lets nobody look but into its counters: its users aren't known.
sub made {
    my ($connection, $waits) = @_;
    my $count = 0;
    for my $collection ($waits ? () : ('system.users', 'system.roles')) {
        $count += field(command($connection, 'admin', str(count => $collection)), 'n');
    }
    my $catalog = field(command($connection, 'admin', i32(serverStatus => 1), i32(repl => 0), i32(metrics => 0)), 'catalogStats');
    return ($count, (field($catalog, 'collections') || 0) + (field($catalog, 'views') || 0));
}

sub print_json { my ($name, $type, $value) = @_; print "ask $name ", json($type, $value), "\n" }

sub pick { my ($document, @names) = @_; [ grep { my $have = $_->[1]; grep { $have eq $_ } @names } @$document ] }

# The time of the first (1) or last (-1) entry of a member's oplog, 8 bytes; undefined where it has none.
sub oplog_end {
    my ($connection, $direction) = @_;
    my $found = command($connection, 'local', str(find => 'oplog.rs'), doc(projection => [ i32(ts => 1) ]),
        doc(sort => [ i32('$natural' => $direction) ]), i32(limit => 1));
    my ($entry) = @{ field($found, 'cursor', 'firstBatch') };
    return $entry ? field($entry->[2], 'ts') : undef;
}

# ---- Operations.

# Everything that the probe wants to know: lines `ask NAME JSON`, and `asked NAME WHY` where the server refuses.
sub probe {
    my $connection = stranger($hosts, $port);
    my $try = sub {
        my ($name, $code) = @_;
        eval { print_json($name, $code->()); 1 } or print "asked $name ", $@ =~ s/\s+/ /gr, "\n";
    };
    my $admin = sub { command($connection, 'admin', @_) };
    my $hello = hello($connection);
    print_json(hello => 3, $hello);
    return if state_word($hello) eq 'mongos';
    if (length $key_file) {
        eval { log_in($connection); 1 } or print "asked login ", $@ =~ s/\s+/ /gr, "\n";
    }
    $try->(build => sub { 3, pick($admin->(i32(buildInfo => 1)), 'version', 'modules', 'psmdbVersion') });
    $try->(options => sub {
        my $parsed = field($admin->(i32(getCmdLineOpts => 1)), 'parsed');
        3, [ map { $_->[1] eq 'net' ? [ 3, 'net', pick($_->[2], 'bindIp', 'bindIpAll', 'port') ] : $_ }
              @{ pick($parsed, 'net', 'replication', 'sharding') } ];
    });
    $try->(fcv => sub { 2, field($admin->(i32(getParameter => 1), i32(featureCompatibilityVersion => 1)), 'featureCompatibilityVersion', 'version') });
    $try->(engine => sub { 2, field($admin->(i32(serverStatus => 1), i32(repl => 0), i32(metrics => 0)), 'storageEngine', 'name') });
    $try->(databases => sub { 4, [ map { [ 4, '', [ [ 2, 0, $_->[0] ], [ 18, 1, $_->[1] ] ] ] } databases($connection) ] });
    my $waits = state_word($hello) eq 'uninitiated';
    $try->(made => sub { my ($users, $collections) = made($connection, $waits); 4, [ [ 16, 0, $users ], [ 16, 1, $collections ] ] });
    return unless field($hello, 'setName') || field($hello, 'isreplicaset');
    $try->(status => sub { 3, $admin->(i32(replSetGetStatus => 1), i32(initialSync => 1)) });
    $try->(config => sub { 3, config($connection) });
    $try->(oplog => sub {
        my $stats = command($connection, 'local', str(collStats => 'oplog.rs'));
        my @ends = map { my $ts = oplog_end($connection, $_); defined $ts ? [ 17, '', $ts ] : [ 10, '' ] } 1, -1;
        4, [ (map { [ 18, '', sprintf '%.0f', field($stats, $_) || 0 ] } 'maxSize', 'size'), @ends ];
    });
    $try->(concern => sub { 3, pick($admin->(i32(getDefaultRWConcern => 1)), 'defaultWriteConcern') });
}

# `STATE SET ME`, of the server as it answers without a login; `-` for what it has not.
sub state {
    my $hello = hello(stranger($hosts, $port));
    print join(' ', state_word($hello), map { field($hello, $_) || '-' } 'setName', 'me'), "\n";
}

# Nothing when nobody made anything there; else what: `shop 1200 bytes, 2 users or roles`.
sub contents {
    my $connection = server($hosts, $port);
    my $waits = state_word(hello($connection)) eq 'uninitiated';
    my @found = $waits ? () : map { "$_->[0] $_->[1] bytes" } databases($connection);
    my ($users, $collections) = made($connection, $waits);
    push @found, "$users users or roles" if $users;
    push @found, "$collections collections " . ($waits ? 'in databases without names' : 'in admin, config or local') if $collections && !@found;
    print join(', ', @found), "\n" if @found;
}

# initiate SET HOST:PORT: makes a set of one; does nothing where that is done.
sub initiate {
    my ($set, $me) = @words;
    my $connection = server($hosts, $port);
    my $answer = ask($connection, 'admin', doc(replSetInitiate => [ str(_id => $set),
        list(members => [ doc(0 => [ i32(_id => 0), str(host => $me) ]) ]) ]));
    die why($answer), "\n" unless field($answer, 'ok') || (field($answer, 'codeName') || '') eq 'AlreadyInitialized';
}

# set-id: the set's own id, 24 hexadecimal digits.
sub set_id { print unpack('H*', field(config(server($hosts, $port)), 'settings', 'replicaSetId')), "\n" }

# reconfigure UPSTREAM SETID CODE: one change of the set's configuration, on whoever is primary. CODE gets the primary's connection
# and the configuration that is there, changes it in place, and says what it did; false: nothing is to be done. Tried again
# through elections and other reconfigurations for two minutes.
sub reconfigure {
    my ($upstream, $set_id, $code) = @_;
    local $patience = 45;
    my $until = time + 120;
    while (1) {
        my ($did, $answer) = ('', undef);
        my $done = eval {
            my $primary = server(host_and_port(primary_of($upstream)));
            my $config = config($primary);
            my $id = unpack 'H*', field($config, 'settings', 'replicaSetId');
            die "final: the set at $upstream is another one than the plan saw (id $id)\n" if length $set_id && $id ne $set_id;
            $did = $code->($primary, $config) or return 1;
            put($config, i32(version => 1 + field($config, 'version')));
            $answer = ask($primary, 'admin', doc(replSetReconfig => $config));
            return field($answer, 'ok');
        };
        if ($done) {
            print "$did\n" if $did;
            return;
        }
        my $why = $answer ? why($answer) : $@ || 'no reason given';
        chomp $why;
        die "$why\n" if $why =~ s/^final: //;
        die "$why\n" if time > $until
          || $answer && $why !~ /^(ConfigurationInProgress|NewReplicaSetConfigurationIncompatible|CurrentConfigNotCommittedYet|NotWritablePrimary|PrimarySteppedDown|Interrupted)/;
        sleep 1;
    }
}

sub members { @{ field($_[0], 'members') } }

# The members that have a vote, as the set's primary sees their health: (all, those that answer).
sub voters {
    my ($primary, $config) = @_;
    my %votes = map { field($_->[2], 'host') => field($_->[2], 'votes') } members($config);
    my $status = command($primary, 'admin', i32(replSetGetStatus => 1));
    my @voting = grep { $votes{ field($_->[2], 'name') } } @{ field($status, 'members') };
    return (scalar @voting, scalar(grep { field($_->[2], 'health') } @voting), $status);
}

# add UPSTREAM SETID MEMBER: makes MEMBER (HOST:PORT) a member without a vote and with our tag; it gets its vote when all that
# join have their copies (`vote`). The document that is there is changed, never a new one made. Does nothing where it is one.
sub add {
    my ($upstream, $set_id, $member) = @words;
    reconfigure($upstream, $set_id, sub {
        my ($primary, $config) = @_;
        my @members = members($config);
        return '' if grep { field($_->[2], 'host') eq $member } @members;
        my ($next) = sort { $b <=> $a } map { 1 + field($_->[2], '_id') } @members;
        push @{ field($config, 'members') }, doc(scalar @members => [ i32(_id => $next), str(host => $member), i32(priority => 0),
            i32(votes => 0), doc(tags => [ str(replform => 'joining') ]) ]);
        return "member $member";
    });
}

# vote UPSTREAM SETID MEMBER...: gives members their vote and priority 1, one reconfiguration each, and takes our tag off. Only a
# caught-up secondary gets one, and only where most of the votes answer then.
sub vote {
    my ($upstream, $set_id, @wanted) = @words;
    for my $host (@wanted) {
        reconfigure($upstream, $set_id, sub {
            my ($primary, $config) = @_;
            my ($member) = grep { field($_->[2], 'host') eq $host } members($config);
            die "final: $host is no member of the set any more\n" unless $member;
            my $tags = field($member->[2], 'tags') || [];
            return '' unless grep { $_->[1] eq 'replform' } @$tags;
            my ($all, $healthy, $status) = voters($primary, $config);
            my ($seen) = grep { field($_->[2], 'name') eq $host } @{ field($status, 'members') };
            die "$host isn't a secondary now, so it gets no vote: its state is " . field($seen->[2], 'stateStr') . "\n"
              unless $seen && field($seen->[2], 'state') == 2;
            die "$healthy of the set's $all votes answer: one more would leave it without most of them\n" unless 2 * ($healthy + 1) > $all + 1;
            put($member->[2], i32(votes => 1));
            put($member->[2], i32(priority => 1));
            put($member->[2], doc(tags => [ grep { $_->[1] ne 'replform' } @$tags ]));
            return "vote for $host";
        });
    }
}

my $behind = "it is too far behind: its set's primary no longer keeps the writes that it needs; plan again, for a new copy";

# follow FILE: waits until the local member is a secondary; `DONE TOTAL` in bytes goes into FILE each second. Ends with an
# error when it can't become one, or when the server doesn't answer for 60 s.
sub follow {
    my ($file) = @words;
    my ($connection, $answered, $attempts) = (undef, time, 0);
    while (1) {
        my $status = eval {
            $connection ||= server($hosts, $port);
            ask($connection, 'admin', i32(replSetGetStatus => 1), i32(initialSync => 1));
        };
        if (!$status) {
            my $why = $@;
            undef $connection;
            die $why if time - $answered > 60;
            sleep 1;
            next;
        }
        $answered = time;
        my $state = field($status, 'myState') || 0;
        my $sync = field($status, 'initialSyncStatus');
        progress_file($file, $sync) if $sync && length $file;
        my $failed = $sync ? field($sync, 'failedInitialSyncAttempts') || 0 : 0;
        if ($failed > $attempts) {
            $attempts = $failed;
            my ($last) = reverse @{ field($sync, 'initialSyncAttempts') || [] };
            my $why = $last ? field($last->[2], 'status') || '' : '';
            print "note a try of the copy failed, the server begins anew (", $why =~ s/\s+/ /gr, ")\n";
        }
        if ($state == 2) {
            whole_file($file, $connection) if length $file && !-e $file;
            return;
        }
        die "it is a member no more: somebody took it out of the set\n" if $state == 10;
        die "$behind\n" if $state == 3 && too_stale($connection);
        sleep 1;
    }
}

# behind: says so when the local member can't go on from what it has; else nothing.
sub behind {
    my $connection = server($hosts, $port);
    my $status = ask($connection, 'admin', i32(replSetGetStatus => 1));
    print "$behind\n" if (field($status, 'myState') || 0) == 3 && too_stale($connection);
}

# Whether the local member's last write is older than all that its set's primary keeps: then it recovers for ever. False where
# one of them doesn't answer.
sub too_stale {
    my ($connection) = @_;
    return eval {
        my $primary = field(hello($connection), 'primary') or return 0;
        my ($own, $kept) = map { defined $_ ? unpack 'Q<', $_ : 0 } oplog_end($connection, -1), oplog_end(server(host_and_port($primary)), 1);
        $own && $own < $kept;
    };
}

sub progress_file {
    my ($file, $sync) = @_;
    write_progress($file, field($sync, 'approxTotalBytesCopied') || 0, field($sync, 'approxTotalDataSize') || 0);
}

# A copy that ended before anybody saw it run: what is there now was copied.
sub whole_file {
    my ($file, $connection) = @_;
    my $sum = 0;
    $sum += $_->[1] for databases($connection);
    write_progress($file, $sum, $sum);
}

sub write_progress {
    my ($file, $done, $total) = @_;
    open my $new, '>', "$file.new" or return;
    printf $new "%.0f %.0f\n", $done, $total;
    close $new and rename "$file.new", $file;
}

sub last_write { my $ts = field($_[0], 'lastWrite', 'opTime', 'ts'); defined $ts ? unpack('Q<', $ts) : 0 }

# caught-up UPSTREAM SECONDS: waits until the local secondary has applied all that the primary had written when asked.
sub caught_up {
    my ($upstream, $seconds) = @words;
    my $target = last_write(hello(stranger(host_and_port(primary_of($upstream)))));
    my ($until, $why) = (time + $seconds, 'it does not answer');
    while (1) {
        my $hello = eval { hello(stranger($hosts, $port)) };
        if ($hello) {
            my $word = state_word($hello);
            my $own = last_write($hello);
            return printf "applied up to %d.%d\n", $own >> 32, $own & 0xffffffff if $own >= $target && ($word eq 'secondary' || $word eq 'primary');
            $why = $word eq 'secondary' ? sprintf('it has applied up to %d of %d', $own >> 32, $target >> 32) : "its state is $word";
        }
        die "after $seconds s $why\n" if time >= $until;
        select undef, undef, undef, 0.2;
    }
}

my %operations = (
    probe => \&probe, state => \&state, contents => \&contents, initiate => \&initiate, 'set-id' => \&set_id,
    add => \&add, vote => \&vote, follow => \&follow, behind => \&behind, 'caught-up' => \&caught_up,
);
$| = 1;
my $run = $operations{ $operation || '' } or die "no operation\n";
eval { $run->(); 1 } or do { print STDERR $@ =~ s/\s*\z//r, "\n"; exit 1 };
MONGO_CLIENT
}
