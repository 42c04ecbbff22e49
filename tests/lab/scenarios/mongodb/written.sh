#!/bin/sh
# Prints every number that the writer's collection holds here.
set -eu
labmongo numbers
