# shellcheck shell=sh disable=SC2154
# What the probe and the step scripts share about a unit's settings: how systemd starts its mongod, what that mongod makes of its
# files, and a file with other values. Changes nothing: defines functions only. Variables: unit, user, command, settings.

# mongo_command: the unit's mongod with its arguments, as systemd starts it; nothing where the unit starts none.
mongo_command() {
  timeout 5 systemctl show -p ExecStart --value "$unit" 2>/dev/null | sed -nE 's/.*argv\[\]=([^;]*) ;.*/\1/p' | head -n 1 |
    awk '{ for (i = 1; i <= NF; i++) if ($i ~ /(^|\/)mongod$/) break; for (; i <= NF; i++) printf "%s ", $i; print "" }'
}

mongo_shown='config|net[.](port|bindIp|bindIpAll|ipv6|tls[.]mode|ssl[.]mode)|storage[.](dbPath|engine|directoryPerDB)|replication[.].*|sharding[.].*|security[.](authorization|keyFile|transitionToAuth|clusterAuthMode|enableEncryption)|systemLog[.](path|destination)'

# mongo_settings [ARGUMENT...]: `set UNIT section.name value` a line, as mongod reads its files and arguments; those that hold
# no secret. Nothing where it refuses them.
mongo_settings() {
  # shellcheck disable=SC2086 # the command's words
  timeout 5 runuser -u "$user" -- $command "$@" --outputConfig 2>/dev/null </dev/null | awk -v unit="$unit" -v shown="^($mongo_shown)\$" '
    /^ *[A-Za-z]+:/ {
      depth = match($0, /[^ ]/) - 1; name = $0; sub(/^ */, "", name); value = name
      sub(/:.*/, "", name); sub(/^[^:]*: */, "", value)
      at[depth] = name; path = ""
      for (i = 0; i <= depth; i++) if (i in at) path = path (path == "" ? "" : ".") at[i]
      for (i in at) if (i + 0 > depth) delete at[i]
      gsub(/^["\047]|["\047]$/, "", value)
      if (value != "" && path ~ shown) print "set " unit " " path " " value
    }'
}

# mongo_setting NAME: a value of $settings.
mongo_setting() { printf '%s\n' "$settings" | sed -n "s|^set $unit $1 ||p" | head -n 1; }

# mongo_hosts: the addresses at which the server is asked, the loopback where it listens there.
mongo_hosts() {
  mongo_bind=$(mongo_setting net.bindIp | tr -d ' ')
  case $(mongo_setting net.bindIpAll),$mongo_bind, in
    true,* | *,127.0.0.1,* | *,localhost,* | *'*'* | *,0.0.0.0,* | ,,) echo 127.0.0.1 ;;
    *) printf '%s\n' "$mongo_bind" | tr ',' '\n' | grep -v '^/' | paste -sd , - ;;
  esac
}

# mongo_conf FILE: FILE with other values, on standard output; the values come on standard input. Changes no file.
mongo_conf() {
  timeout -k 1 10 perl /dev/fd/3 "$@" 3<<'MONGO_CONF'
# Changes values in a mongod.conf (YAML in block style, as packages bring it) and leaves every other byte as it is.
#
# Reads FILE and, on standard input, lines `section.name=value` (two levels; an empty value takes the line out); prints the new
# text. Changes no file. A file in another style of YAML is refused with a reason: mongod itself reads what comes out before it
# is used. Arguments: FILE. Exit codes: 0 done, 1 refused. Can be run at any time.
use strict;
use warnings;

sub refuse { print STDERR "$ARGV[0]: $_[0]\n"; exit 1 }

open my $file, '<', $ARGV[0] or refuse("can't be read: $!");
my @lines = <$file>;
chomp @lines;

my %section;
for my $i (0 .. $#lines) {
    my ($text, $at) = ($lines[$i], 'line ' . ($i + 1));
    next if $text =~ /^\s*(#.*)?$/ || $text =~ /^---\s*$/;
    refuse("$at is indented by a tab") if $text =~ /^ *\t/;
    if ($text =~ /^([A-Za-z]+):\s*(#.*)?$/) {
        refuse("$at: the section $1 stands there a second time") if defined $section{$1};
        $section{$1} = $i;
    }
    elsif ($text !~ /^ /) { refuse("$at isn't YAML in block style") }
}

# The last line of a section that says something.
sub section_end {
    my ($start) = @_;
    my $end = $start;
    for my $i ($start + 1 .. $#lines) {
        last if $lines[$i] =~ /^[^\s#]/;
        $end = $i if $lines[$i] =~ /^\s+[^\s#]/;
    }
    return $end;
}

sub quoted { $_[0] =~ /^(true|false|[0-9]+)$/ ? $_[0] : '"' . $_[0] =~ s/(["\\])/\\$1/gr . '"' }

while (my $wish = <STDIN>) {
    chomp $wish;
    next unless length $wish;
    $wish =~ /^([A-Za-z]+)\.([A-Za-z]+)=(.*)$/ or refuse("\"$wish\" is no setting");
    my ($in, $name, $value) = ($1, $2, $3);
    my $start = $section{$in};
    if (!defined $start) {
        push @lines, "$in:", "  $name: " . quoted($value) if length $value;
    }
    else {
        my $end = section_end($start);
        my ($indent) = map { $lines[$_] =~ /^( +)[^\s#]/ ? $1 : () } $start + 1 .. $end;
        $indent = '  ' unless defined $indent;
        my ($found) = grep { $lines[$_] =~ /^\Q$indent\E(["']?)\Q$name\E\1\s*:/ } $start + 1 .. $end;
        my @new = length $value ? "$indent$name: " . quoted($value) : ();
        if (defined $found) {
            refuse('line ' . ($found + 1) . ": $in.$name has a value of several lines")
              if ($lines[ $found + 1 ] || '') =~ /^\Q$indent\E\s+[^\s#]/;
            splice @lines, $found, 1, @new;
        }
        else { splice @lines, $end + 1, 0, @new }
    }
    # Lines below have moved.
    %section = map { $lines[$_] =~ /^([A-Za-z]+):/ ? ($1 => $_) : () } 0 .. $#lines;
}
print map { "$_\n" } @lines;
MONGO_CONF
}
