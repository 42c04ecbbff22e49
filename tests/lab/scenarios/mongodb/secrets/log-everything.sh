#!/bin/sh
# Makes the server write down what it does, each command included, where a careless administrator would.
set -eu
sed -i 's|^systemLog:|&\n  verbosity: 1|; s|^#operationProfiling:|operationProfiling:\n  mode: all\n  slowOpThresholdMs: 0|' /etc/mongod.conf
