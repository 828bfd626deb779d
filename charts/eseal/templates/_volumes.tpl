{{/* What is mounted into a service. All of it may only be read, but the folder of the maker card and /tmp. */}}
{{- define "eseal.mounts" -}}
- name: config
  mountPath: /etc/eseal/config.toml
  subPath: config.toml
  readOnly: true
- name: tls
  mountPath: /etc/eseal/tls
  readOnly: true
- name: secrets
  mountPath: /run/secrets/eseal
  readOnly: true
{{- if .root.Values.database.caSecret }}
- name: database-ca
  mountPath: /etc/eseal/database
  readOnly: true
{{- end }}
{{- if and .root.Values.people.caSecret (not .migrate) }}
- name: issuer-ca
  mountPath: /etc/eseal/issuer
  readOnly: true
{{- end }}
{{- if not .migrate }}
{{- with .values.makerCard }}
{{- if .claim }}
- name: maker-card
  mountPath: /var/lib/eseal/card
{{- end }}
{{- end }}
{{- if (.values.timeStamps).trustConfigMap }}
- name: time-stamps
  mountPath: /etc/eseal/time-stamps
  readOnly: true
{{- end }}
{{- if .values.keys }}
- name: keys
  mountPath: /run/secrets/eseal-keys
  readOnly: true
{{- end }}
{{- if (.values.codeWebhook).url }}
- name: codes
  mountPath: /run/secrets/eseal-codes
  readOnly: true
{{- end }}
{{- if .values.temporary }}
- name: temporary
  mountPath: /tmp
{{- end }}
{{- end }}
{{- end -}}

{{- define "eseal.volumes" -}}
- name: config
  configMap:
    name: {{ include "eseal.fullname" .root }}-{{ .name }}{{ if .migrate }}-migrate{{ end }}
- name: tls
  secret:
    secretName: {{ if .migrate }}{{ .root.Values.bus.setupTlsSecret }}{{ else }}{{ .values.tlsSecret }}{{ end }}
    defaultMode: 0400
- name: secrets
  projected:
    defaultMode: 0400
    sources:
      {{- if .migrate }}
      - secret:
          name: {{ .values.database.ownerSecret }}
          items: [{key: url, path: owner-url}]
      {{- else }}
      - secret:
          name: {{ .values.database.secret }}
          items: [{key: url, path: database-url}]
      {{- with .values.keySecret }}
      - secret:
          name: {{ . }}
          items: [{key: key, path: content-key}]
      {{- end }}
      {{- with .values.makerCard }}
      {{- if .claim }}
      - secret:
          name: {{ required "services.fabrication.makerCard.pinSecret: the secret with the PIN of the card (key: pin)" .pinSecret }}
          items: [{key: pin, path: maker-pin}]
      {{- end }}
      {{- end }}
      {{- end }}
{{- with .root.Values.database.caSecret }}
- name: database-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- if not .migrate }}
{{- with .root.Values.people.caSecret }}
- name: issuer-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- with .values.makerCard }}
{{- if .claim }}
- name: maker-card
  persistentVolumeClaim:
    claimName: {{ .claim }}
{{- end }}
{{- end }}
{{- with (.values.timeStamps).trustConfigMap }}
- name: time-stamps
  configMap:
    name: {{ . }}
{{- end }}
{{- with .values.keys }}
- name: keys
  projected:
    defaultMode: 0400
    sources:
      {{- range $name, $key := . }}
      - secret:
          name: {{ $key.secret }}
          items:
            {{- if eq $key.provider "file" }}
            - {key: key, path: {{ $name }}/key}
            {{- else if eq $key.provider "pkcs11" }}
            - {key: pin, path: {{ $name }}/pin}
            {{- else }}
            {{- if $key.bearer }}
            - {key: token, path: {{ $name }}/token}
            {{- end }}
            {{- if $key.certificate }}
            - {key: tls.crt, path: {{ $name }}/tls.crt}
            - {key: tls.key, path: {{ $name }}/tls.key}
            {{- end }}
            {{- if $key.ca }}
            - {key: ca.crt, path: {{ $name }}/ca.crt}
            {{- end }}
            {{- end }}
      {{- end }}
{{- end }}
{{- with .values.codeWebhook }}
{{- if .url }}
- name: codes
  secret:
    secretName: {{ required "services.authentication.codeWebhook.secret: the secret that signs what is sent there (key: secret)" .secret }}
    defaultMode: 0400
    items:
      - {key: secret, path: secret}
      {{- if .ca }}
      - {key: ca.crt, path: ca.crt}
      {{- end }}
{{- end }}
{{- end }}
{{- with .values.temporary }}
- name: temporary
  emptyDir:
    sizeLimit: {{ . }}
{{- end }}
{{- end }}
{{- end -}}
