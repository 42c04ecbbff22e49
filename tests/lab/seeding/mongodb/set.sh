#!/bin/sh
# set.sh add|remove PRIMARY MEMBER: rs.add and rs.remove, of a member without a vote; it prints nothing.
set -eu
sed '/^my \$work = /,$d' /usr/bin/labmongo >/tmp/set.pl
cat >>/tmp/set.pl <<'PERL'
my ($primary, $member) = @words;
my $until = time + 30;
while (1) {
    my $connection = server($primary, 27017);
    my $config = config($connection);
    for (@$config) { $_->[2]++ if $_->[1] eq 'version' }
    my ($members) = map { $_->[2] } grep { $_->[1] eq 'members' } @$config;
    my @all = grep { field($_->[2], 'host') ne "$member:27017" } @$members;
    if ($operation eq 'add') {
        my ($last) = sort { $b <=> $a } map { field($_->[2], '_id') } @all;
        push @all, doc(0 => [ i32(_id => $last + 1), str(host => "$member:27017"), i32(priority => 0), i32(votes => 0) ]);
    }
    @$members = map { [ 3, $_, $all[$_][2] ] } 0 .. $#all;
    my $answer = ask($connection, 'admin', doc(replSetReconfig => $config));
    exit 0 if field($answer, 'ok');
    die why($answer), "\n" if time > $until;
    select undef, undef, undef, 0.2;
}
PERL
perl /tmp/set.pl "$@"
