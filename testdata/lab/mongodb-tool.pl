
# ---- What follows is the lab's: /usr/bin/labmongo in images with MongoDB, on the protocol's part of the product's client.
# It fills, writes and compares; usage: labmongo OPERATION WORD... Asks 127.0.0.1:27017, logged in by the set's key where there is one.
$| = 1;
shift @ARGV;
@words = @ARGV;
($hosts, $port) = ('127.0.0.1', 27017);
my ($configured) = map { /^\s*keyFile:\s*"?([^"\s]+)/ ? $1 : () } do { open my $conf, '<', '/etc/mongod.conf' or die "no mongod.conf\n"; <$conf> };
$key_file = $configured || '';

sub insert {
    my ($connection, $database, $collection, @documents) = @_;
    my $answer = command($connection, $database, str(insert => $collection), list(documents => [ map { doc(0 => $_) } @documents ]));
    die "not acknowledged\n" if field($answer, 'writeErrors') || field($answer, 'writeConcernError');
}

sub position { my $ts = field(hello($_[0]), 'lastWrite', 'opTime', 'ts'); defined $ts ? unpack('Q<', $ts) : 0 }

my %do = (
    # fill DATABASE MEGABYTES: documents of random text, 1 kB each.
    fill => sub {
        my ($database, $megabytes) = @words;
        my $connection = server($hosts, $port);
        srand 4711;
        my $number = 0;
        for (1 .. $megabytes) {
            insert($connection, $database, 'orders', map {
                [ i32(_id => ++$number), str(text => join '', map { chr 97 + rand 26 } 1 .. 1000) ] } 1 .. 1000);
        }
    },
    # A document every 5 ms; prints each number that was acknowledged, and `lost` when the connection went.
    writer => sub {
        my ($connection, $number) = (undef, 0);
        while (1) {
            $number++;
            my $done = eval {
                $connection ||= server($hosts, $port);
                insert($connection, 'ledger', 'writer', [ i32(_id => $number) ]);
                1;
            };
            print $done ? "$number\n" : "lost\n";
            undef $connection unless $done;
            select undef, undef, undef, 0.005;
        }
    },
    numbers => sub {
        my $connection = server($hosts, $port);
        my $answer = command($connection, 'ledger', str(find => 'writer'), i32(batchSize => 100000));
        my ($batch, $cursor) = ('firstBatch', field($answer, 'cursor', 'id'));
        while (1) {
            print field($_->[2], '_id'), "\n" for @{ field($answer, 'cursor', $batch) };
            last unless $cursor;
            $answer = command($connection, 'ledger', [ 18, 'getMore', $cursor ], str(collection => 'writer'), i32(batchSize => 100000));
            ($batch, $cursor) = ('nextBatch', field($answer, 'cursor', 'id'));
        }
    },
    position => sub { print position(server($hosts, $port)), "\n" },
    # applied PRIMARY POSITION: a secondary of the set whose primary that is, with all of it.
    applied => sub {
        my ($primary, $position) = @words;
        my $connection = server($hosts, $port);
        my $hello = hello($connection);
        die "not a secondary of $primary\n" unless field($hello, 'secondary') && field($hello, 'primary') eq "$primary:27017";
        die "behind\n" if position($connection) < $position;
    },
    contents => sub {
        my $connection = server($hosts, $port);
        for my $database (sort map { $_->[0] } databases($connection)) {
            my $hash = command($connection, $database, i32(dbHash => 1));
            print "$database $_->[1] $_->[2]\n" for @{ field($hash, 'collections') };
        }
    },
    # user NAME PASSWORD: the first administrator.
    user => sub {
        my ($name, $password) = @words;
        command(server($hosts, $port), 'admin', str(createUser => $name), str(pwd => $password), list(roles => [ str(0 => 'root') ]));
    },
    # votes: every member with its votes, and whether one is primary.
    votes => sub {
        my $connection = server($hosts, $port);
        print field($_->[2], 'host'), ' ', field($_->[2], 'votes'), "\n" for @{ field(config($connection), 'members') };
    },
    # step-down: this primary makes another member primary.
    'step-down' => sub { command(server($hosts, $port), 'admin', i32(replSetStepDown => 60), i32(secondaryCatchUpPeriodSecs => 10)) },
);
my $work = $do{ $operation || '' } or die "labmongo: no operation\n";
eval { $work->(); 1 } or do { print STDERR $@; exit 1 };
