# shellcheck shell=sh
# shellcheck disable=SC2154 # topology, reach, env_files and certificates are set before this text
# The host's part of the one probe: what the machine is, our own blocks of the apps' environment files, markers, jobs,
# locks, and which database ports are reached from here. The engines' parts run inside `probe_engine`.
#
# Changes nothing: it only reads, and may be run at any time, by several clients at once. Every command is bounded.
# Proves nothing by itself: it prints facts, which src/observe/decode.rs reads. Needs dash, coreutils, awk, sed, bash (reach).
#
# replform sends `{`, the variables, this text, `probe_begin`, a `probe_engine` for each engine, `probe_end`, `exit; }`.
#   topology   name of the topology, whose blocks in environment files are ours
#   reach      lines `HOST PORT`: where a connection is tried to
#   env_files  lines `HASH NAMES PLAIN PATH`, parts divided by one tab, names by commas. HASH: of the pending files' names;
#              NAMES: variables that we want to keep in the file; PLAIN: those of them whose values may be printed
#
#   certificates  lines `CA CERTIFICATE KEY`, divided by tabs: a user's own files on this host
#
# Prints sections `== NAME …`. What files or engines say stands behind `|`, so that no content can pass for a section.
# Of an environment file it prints the lines of our blocks (values that aren't in PLAIN as hashes), and where NAMES occur
# outside them: an app's own secrets are never printed.
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 1

# Every other section waits in this variable while reach's processes write; two writers would mix their lines.
probe_sections=

# probe_add TEXT: one more piece of the output.
probe_add() {
  probe_sections="$probe_sections$1
"
}

probe_host() {
  echo '== host'
  echo "clock $(date +%s.%N)"
  echo "uid $(id -u)"
  if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091 # the host's file
    (. /etc/os-release && echo "os ${ID:-} ${VERSION_ID:-}")
  fi
  echo "architecture $(uname -m)"
  echo "libc $(timeout 5 getconf GNU_LIBC_VERSION 2>/dev/null)"
  echo "hostname $(uname -n)"
  echo "boot $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
  if [ -d /run/systemd/system ]; then echo 'systemd yes'; else echo 'systemd no'; fi
  echo "addresses $(timeout 3 hostname -I 2>/dev/null)"
  # Free for the database, size, mount point; a data directory that isn't there yet will be on one of these.
  timeout 5 df -lB1 --output=avail,size,target 2>/dev/null | while read -r probe_free probe_size probe_mount; do
    case $probe_mount in
      /proc* | /sys* | /dev* | /run* | Mounted*) ;;
      *) echo "disk $probe_free $probe_size $probe_mount" ;;
    esac
  done
  while read -r probe_key probe_value probe_unit; do
    case $probe_key in
      MemTotal: | MemAvailable:) echo "memory $probe_key $probe_value $probe_unit" ;;
    esac
  done </proc/meminfo
}

# probe_try HOST PORT: one line, by one write.
probe_try() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  probe_said=$(timeout -k 1 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>&1 </dev/null)
  case $? in
    0) probe_said=open ;;
    124 | 137) probe_said=timed_out ;;
    *)
      case $probe_said in
        *'Connection refused'*) probe_said=refused ;;
        *)
          # The first line ends with the system's own words.
          probe_said=$(printf '%s\n' "$probe_said" | head -n 1 | cut -c 1-200)
          probe_said="failed ${probe_said##*: }"
          ;;
      esac
      ;;
  esac
  printf '%s %s %s\n' "$1" "$2" "$probe_said"
}

# Starts all tries, 32 at a time; they end within 4 s each.
probe_reach() {
  probe_count=0
  while read -r probe_address probe_port; do
    [ -n "$probe_address" ] || continue
    probe_try "$probe_address" "$probe_port" &
    probe_count=$((probe_count + 1))
    [ $((probe_count % 32)) -ne 0 ] || wait
  done <<LIST
$reach
LIST
  wait
}

# probe_unquoted TEXT: a value as replform writes it, its quoting undone.
probe_unquoted() {
  case $1 in
    \'*\') printf '%s' "$1" | sed "s/^'//; s/'\$//" ;;
    \"*\") printf '%s' "$1" | sed 's/^"//; s/"$//; s/\\\(["\\$`]\)/\1/g' ;;
    *) printf '%s' "$1" ;;
  esac
}

# Prints of standard input: `begin TOPOLOGY.REPLICATION`, `line TEXT`, `end`, `outside NAME LINE`, and nothing else.
# A block without its end line, or the second of the same name, is none of ours: its names count as outside.
probe_env_scan() {
  # shellcheck disable=SC2016 # awk's own
  topology=$topology names=$1 timeout 5 awk '
    BEGIN {
      count = split(ENVIRON["names"], list, ",")
      for (i = 1; i <= count; i++) ours[list[i]] = 1
      begin = "# replform begin " ENVIRON["topology"] "."
      end = "# replform end " ENVIRON["topology"] "."
      inside = ""
    }
    function outside(text, number,    name) {
      sub(/^[ \t]*/, "", text)
      sub(/^export[ \t]+/, "", text)
      if (!match(text, /^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/)) return
      name = substr(text, 1, RLENGTH - 1)
      sub(/[ \t]*$/, "", name)
      if (name in ours) print "outside " name " " number
    }
    function give_up(    i) {
      for (i = 1; i <= held; i++) outside(kept[i], first + i)
      inside = ""
    }
    {
      line = $0
      sub(/\r$/, "", line)
      if (substr(line, 1, length(begin)) == begin) {
        if (inside != "") give_up()
        name = substr(line, length(begin) + 1)
        sub(/:.*$/, "", name)
        if (!(name in seen)) { inside = name; first = NR; held = 0 }
      } else if (inside != "" && line == end inside) {
        print "begin " ENVIRON["topology"] "." inside
        for (i = 1; i <= held; i++) print "line " kept[i]
        print "end"
        seen[inside] = 1
        inside = ""
      } else if (inside != "") {
        kept[++held] = line
      } else {
        outside(line, NR)
      }
    }
    END { if (inside != "") give_up() }'
}

# probe_env_mask PLAIN: the lines of a block, but values of other variables as salted hashes.
probe_env_mask() {
  while IFS= read -r probe_line; do
    case $probe_line in
      'line '*=*)
        probe_name=${probe_line#line }
        probe_name=${probe_name%%=*}
        case ,$1, in
          *,"$probe_name",*) printf '%s\n' "$probe_line" ;;
          *)
            probe_value=$(
              probe_unquoted "${probe_line#*=}"
              echo .
            )
            probe_hash=$(printf '%s\n%s\n%s' "$topology" "$probe_name" "${probe_value%.}" | sha256sum)
            printf 'line %s=(sha256:%s)\n' "$probe_name" "${probe_hash%% *}"
            ;;
        esac
        ;;
      'line '*) printf 'line (sha256:not-a-variable)\n' ;;
      *) printf '%s\n' "$probe_line" ;;
    esac
  done
}

# probe_env_file HASH NAMES PLAIN PATH
probe_env_file() {
  printf '== env %s\n' "$4"
  if [ -d "${4%/*}/" ]; then echo 'directory yes'; else echo 'directory no'; fi
  for probe_pending in "/var/lib/replform/pending/$1.$topology".*; do
    if [ -e "$probe_pending" ]; then printf 'pending %s\n' "${probe_pending#*"/$1."}"; fi
  done
  if [ ! -e "$4" ]; then
    echo 'file absent'
  elif [ ! -f "$4" ]; then
    echo 'file unreadable it is not a regular file'
  elif [ ! -r "$4" ]; then
    echo 'file unreadable this user may not read it'
  elif [ "$(stat -L -c %s -- "$4")" -gt 1048576 ]; then
    echo 'file unreadable it is larger than 1 MiB'
  else
    probe_scan=$(probe_env_scan "$2" <"$4") || {
      echo 'file unreadable it could not be read within 5 s'
      return
    }
    echo 'file read'
    printf '%s\n' "$probe_scan" | probe_env_mask "$3" | sed 's/^/|/'
  fi
}

probe_env() {
  probe_tab=$(printf '\t')
  while IFS=$probe_tab read -r probe_key probe_names probe_plain probe_path; do
    [ -n "$probe_path" ] || continue
    # An empty part would be swallowed between two tabs: `-` stands for it.
    probe_env_file "$probe_key" "$probe_names" "$probe_plain" "$probe_path"
  done <<LIST
$env_files
LIST
}

probe_markers() {
  echo '== markers'
  for probe_file in /var/lib/replform/*.json; do
    [ -f "$probe_file" ] || continue
    printf 'file %s\n' "${probe_file##*/}"
    if [ "$(stat -L -c %s -- "$probe_file")" -gt 262144 ]; then
      echo 'damaged it is larger than 256 KiB'
    else
      timeout 5 cat -- "$probe_file" | sed 's/^/|/' && echo
    fi
  done
}

# probe_key_of FILE: which key a certificate holds: the same for a certificate that was made again with the same key.
probe_key_of() {
  probe_pem=$(timeout 3 openssl x509 -in "$1" -noout -pubkey 2>/dev/null </dev/null) || return 1
  printf '%s\n' "$probe_pem" | sha256sum | cut -c 1-16
}

# probe_expiry FILE: when a certificate ends, seconds since the epoch.
probe_expiry() {
  probe_end_date=$(timeout 3 openssl x509 -in "$1" -noout -enddate 2>/dev/null </dev/null) || return 1
  date -d "${probe_end_date#*=}" +%s
}

# probe_certificate CA CERTIFICATE KEY: what stands in these files. No key is printed, only whether it is the certificate's.
probe_certificate() {
  for probe_file in "$1" "$2" "$3"; do
    if [ ! -f "$probe_file" ]; then printf 'missing %s\n' "$probe_file"; fi
  done
  printf 'ca %s\n' "$(probe_key_of "$1")"
  probe_expires=$(probe_expiry "$2") || return 0
  printf 'expires %s\n' "$probe_expires"
  printf 'subject %s\n' "$(timeout 3 openssl x509 -in "$2" -noout -subject -nameopt RFC2253,sep_comma_plus,-esc_msb 2>/dev/null | sed 's/^subject=//; s/^.*CN=//; s/,.*//' | head -n 1)"
  printf 'names %s\n' "$(timeout 3 openssl x509 -in "$2" -noout -ext subjectAltName 2>/dev/null | sed -n 's/IP Address:/IP:/g; s/^ *\(\(IP\|DNS\):.*\)/\1/p' | tr -d ' ')"
  # Whether it is of that authority, whatever the date.
  if timeout 3 openssl verify -no_check_time -CAfile "$1" -untrusted "$2" "$2" >/dev/null 2>&1 </dev/null; then
    echo 'trusted yes'
  else
    echo 'trusted no'
  fi
  probe_pem=$(timeout 3 openssl pkey -in "$3" -pubout -passin pass: 2>/dev/null </dev/null)
  if [ -n "$probe_pem" ] && [ "$(timeout 3 openssl x509 -in "$2" -noout -pubkey 2>/dev/null)" = "$probe_pem" ]; then
    echo 'key fits'
  fi
}

# Our own folders (place: where the server reads its files), then a user's own files.
probe_tls() {
  for probe_folder in /var/lib/replform/tls/*/; do
    [ -d "$probe_folder" ] || continue
    probe_folder=${probe_folder%/}
    printf '== tls %s\n' "${probe_folder##*/}"
    echo "clock $(date +%s)"
    probe_place=$(probe_first "$probe_folder/place")
    if [ -f "$probe_folder/authority.crt" ] && [ -f "$probe_folder/authority.key" ]; then
      printf 'authority %s %s\n' "$(probe_key_of "$probe_folder/authority.crt")" "$(probe_expiry "$probe_folder/authority.crt")"
    fi
    [ -n "$probe_place" ] || continue
    printf 'place %s\n' "$probe_place"
    probe_certificate "$probe_place/ca.crt" "$probe_place/member.crt" "$probe_place/member.key"
  done
  probe_tab=$(printf '\t')
  while IFS=$probe_tab read -r probe_ca probe_cert probe_key; do
    [ -n "$probe_key" ] || continue
    printf '== tls %s\n' "$probe_cert"
    echo "clock $(date +%s)"
    probe_certificate "$probe_ca" "$probe_cert" "$probe_key"
  done <<LIST
$certificates
LIST
}

# probe_first FILE: its first line, at most 300 characters.
probe_first() { head -c 300 -- "$1" 2>/dev/null | head -n 1; }

# A job's folder holds id, hash, unit, status (`ID HASH EXITCODE`) and progress (`DONE TOTAL`).
probe_jobs() {
  echo '== jobs'
  for probe_job in /var/lib/replform/jobs/*/; do
    [ -d "$probe_job" ] || continue
    probe_job=${probe_job%/}
    printf 'job %s\n' "${probe_job##*/}"
    printf 'id %s\n' "$(probe_first "$probe_job/id")"
    printf 'hash %s\n' "$(probe_first "$probe_job/hash")"
    probe_unit=$(probe_first "$probe_job/unit")
    probe_active=$(timeout 5 systemctl is-active -- "${probe_unit:-replform-${probe_job##*/}.service}" 2>/dev/null) || :
    # After the unit's state: a job that ends in between has its status by now.
    printf 'active %s\n' "${probe_active:-unknown}"
    printf 'status %s\n' "$(probe_first "$probe_job/status")"
    printf 'progress %s\n' "$(probe_first "$probe_job/progress")"
    probe_began=$(stat -c %Y -- "$probe_job/id" 2>/dev/null || stat -c %Y -- "$probe_job")
    printf 'age %s\n' "$(($(date +%s) - probe_began))"
  done
}

# Which of our lock files are held: by inode, since trying them would disturb. /proc/locks leaves out, inside a container,
# the locks whose taker (flock) has ended, as ours have; the holders' descriptor 9 (src/apply/locks.sh) tells of those.
probe_locks() {
  echo '== locks'
  [ -d /run/replform/lock ] || return 0
  # A line with `->` only waits for the lock.
  probe_held=$(
    grep -v -e '->' /proc/locks
    timeout 5 grep -h '^lock:' /proc/[0-9]*/fdinfo/9
  ) 2>/dev/null
  for probe_file in /run/replform/lock/*; do
    [ -f "$probe_file" ] || continue
    probe_id=$(stat -c '%d %i' -- "$probe_file" 2>/dev/null) || continue
    probe_device=${probe_id% *}
    probe_id=$(printf '%02x:%02x:%s' $((probe_device >> 8 & 4095)) $((probe_device & 255 | probe_device >> 12 & 1048320)) "${probe_id#* }")
    case $probe_held in *" $probe_id "*) ;; *) continue ;; esac
    printf 'lock %s %s\n' "$(($(date +%s) - $(stat -c %Y -- "$probe_file")))" "${probe_file##*/}"
    printf 'holder %s\n' "$(probe_first "$probe_file")"
  done
}

# probe_engine NAME PORTS SCRIPT: an engine's part in a shell of its own, with `ports` set, for at most 25 s.
probe_engine() {
  [ "$probe_uid" = 0 ] || return 0
  probe_said=$(printf '{\nports=%s\n%s\nexit; }\n' "'$2'" "$3" | timeout -k 1 25 sh -s)
  probe_code=$?
  probe_add "== engine $1"
  probe_add "$(printf '%s\n' "$probe_said" | sed 's/^/|/')"
  probe_add "exit $probe_code"
}

probe_begin() {
  probe_host
  probe_uid=$(id -u)
  # Without root most of what follows would be half a truth.
  [ "$probe_uid" = 0 ] || return 0
  echo '== reach'
  probe_reach &
  probe_add "$(probe_env)"
  probe_add "$(probe_markers)"
  probe_add "$(probe_tls)"
  probe_add "$(probe_jobs)"
  probe_add "$(probe_locks)"
}

probe_end() {
  wait
  printf '%s' "$probe_sections"
  echo '== end'
  echo "clock $(date +%s.%N)"
  echo 'ended'
}
