#!/bin/sh
# Makes what docker-compose.yml mounts as secrets, once; what is there already stays. Needs openssl, nothing else.
#
#     deploy/make-secrets.sh [FOLDER] [NAME OF THE BROKER FOR DEVICES ...]
#
# FOLDER is deploy/secrets if left out. Devices trust FOLDER/broker_authority.
set -eu
folder=${1:-$(dirname "$0")/secrets}
[ $# -gt 0 ] && shift
umask 077
mkdir -p "$folder"
cd "$folder"

random() { openssl rand -hex 32; }
# Compose mounts a file with the rights that it has here, and the programs run as ordinary users: the folder keeps
# others of this machine out, not the files.
keep() {
  cat > "$1.new"
  [ -s "$1.new" ] || { echo "$1 could not be made." >&2; exit 1; }
  if [ -e "$1" ]; then rm -f "$1.new"; else chmod 0444 "$1.new"; mv "$1.new" "$1"; fi
}

for name in secret_key api_token_pepper provider_key_secrets metrics_token; do random | keep "$name"; done
if [ ! -e database_url ]; then
  random | keep postgres_password
  echo "postgres://flexplatform:$(cat postgres_password)@postgres:5432/flexplatform" | keep database_url
fi
if [ ! -e redis_url ]; then
  password=$(random)
  echo "requirepass $password" | keep valkey_conf
  echo "redis://:$password@valkey:6379/0" | keep redis_url
fi
[ -e mqtt_url ] || echo "mqtts://flexplatform-bridge:$(random)@mosquitto:8883?ca=/run/secrets/broker_authority" | keep mqtt_url
# Edit it: smtp+tls://user:password@mail.example.org:587
echo "smtp://localhost:25" | keep email_url

if [ ! -e broker_certificate ]; then
  names="DNS:mosquitto,DNS:localhost"
  for name in "$@"; do names="$names,DNS:$name"; done
  key() { openssl ecparam -name prime256v1 -genkey -noout 2> /dev/null; }
  [ -e authority.key ] || key > authority.key
  [ -e broker_authority ] || openssl req -x509 -new -key authority.key -days 3650 -subj "/CN=FlexPlatform devices" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" | keep broker_authority
  key | keep broker_key
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" > names.txt
  openssl req -new -key broker_key -subj "/CN=mosquitto" |
    openssl x509 -req -CA broker_authority -CAkey authority.key -CAcreateserial -days 825 -extfile names.txt 2> /dev/null |
    keep broker_certificate
  rm -f names.txt
fi
echo "Secrets are in $(pwd). Keep a copy where the backups are, and authority.key away from this machine."
