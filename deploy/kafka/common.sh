# What start, stop, status and tool share. A cluster is a folder:
#   cluster        its settings, as bash: nodes, tls, sasl, ports of node 1, 2, 3 by listener
#   servers        what a client needs: bootstrap servers by listener, one a line
#   node-N/        server.properties, data, log, pid
#   ca.pem, tls/   with --tls: what a client trusts; keys and certificates
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
name=kafka/$(basename "$0")
dir=$root/build/kafka
user=dealwright password=dealwright-secret  # of SASL; brokers listen on loopback alone
patience_s=120

fail() { echo "$name: $1" >&2; exit 1; }
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit "$1"; }

# Sets jars to the folder of Kafka's jars, fetched once. Exit 77 with the reason if they cannot be had here.
find_jars() {
  command -v java >/dev/null || { echo "$name: java is not here; deploy/setup --ci installs it"; exit 77; }
  local cache=${DW_CACHE:-$HOME/.cache/dealwright} pom=$root/deploy/kafka/pom.xml
  jars=$cache/kafka-$(sha256sum "$pom" | cut -c1-12)
  [ ! -e "$jars" ] || return 0
  command -v mvn >/dev/null || { echo "$name: mvn is not here; deploy/setup --ci installs it"; exit 77; }
  mkdir -p "$cache"
  exec 8>"$cache/kafka.lock"
  flock 8
  if [ ! -e "$jars" ]; then
    rm -rf "$jars.work"
    mkdir "$jars.work"
    if ! mvn -q -B --strict-checksums -f "$pom" dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$jars.work" >"$cache/kafka.log" 2>&1; then
      echo "$name: mvn could not fetch what deploy/kafka/pom.xml names: $(grep -m1 ERROR "$cache/kafka.log")"
      exit 77
    fi
    mv -T "$jars.work" "$jars"
  fi
  exec 8>&-
}

# run_tool NAME ARGUMENTS: one of Kafka's command line programs, in place of this shell or in a subshell.
run_tool() {
  local class; class=$(class_of "$1") || fail "$1 is not among the tools: $(class_of | cut -d' ' -f1 | paste -sd ' ')"
  shift
  exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*" "$class" "$@"
}
class_of() {
  awk -v wanted="${1:-}" '!wanted || $1 == wanted { print wanted ? $2 : $0; found = 1 } END { exit !found }' <<'TOOLS'
kafka-acls org.apache.kafka.tools.AclCommand
kafka-broker-api-versions org.apache.kafka.tools.BrokerApiVersionsCommand
kafka-cluster org.apache.kafka.tools.ClusterTool
kafka-configs kafka.admin.ConfigCommand
kafka-console-consumer org.apache.kafka.tools.consumer.ConsoleConsumer
kafka-console-producer org.apache.kafka.tools.ConsoleProducer
kafka-consumer-groups org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
kafka-delete-records org.apache.kafka.tools.DeleteRecordsCommand
kafka-dump-log org.apache.kafka.tools.DumpLogSegments
kafka-features org.apache.kafka.tools.FeatureCommand
kafka-get-offsets org.apache.kafka.tools.GetOffsetShell
kafka-leader-election org.apache.kafka.tools.LeaderElectionCommand
kafka-metadata-quorum org.apache.kafka.tools.MetadataQuorumCommand
kafka-reassign-partitions org.apache.kafka.tools.reassign.ReassignPartitionsCommand
kafka-storage kafka.tools.StorageTool
kafka-topics org.apache.kafka.tools.TopicCommand
kafka-transactions org.apache.kafka.tools.TransactionsCommand
TOOLS
}

# Reads the settings of the cluster in $dir.
read_cluster() {
  [ -d "$dir" ] && dir=$(cd "$dir" && pwd) && [ -r "$dir/cluster" ] || fail "there is no cluster in $dir; deploy/kafka/start makes one"
  declare -gA ports
  . "$dir/cluster"
}
# choose_nodes [NODE ...]: sets chosen to those; to all, if none is named.
choose_nodes() {
  local node
  for node in "$@"; do
    [[ "$node" =~ ^[1-9]$ ]] && [ "$node" -le "$nodes" ] || fail "$dir has nodes 1 to $nodes, not $node"
  done
  chosen=("$@")
  [ "$#" -gt 0 ] || read -ra chosen < <(seq -s " " "$nodes")
}

# The pid of a node, if it is up: of that very java, not of what came by its number later.
pid_of() {
  local pid
  pid=$(cat "$dir/node-$1/pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$dir/node-$1/server.properties" || return 1
  echo "$pid"
}

# servers LISTENER: its bootstrap servers.
servers() {
  local port out=
  for port in ${ports[$1]}; do out+=,127.0.0.1:$port; done
  echo "${out#,}"
}

# until_true SECONDS COMMAND...: asks until it is so; fails if it is not so in time.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}
