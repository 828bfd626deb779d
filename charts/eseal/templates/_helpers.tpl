{{/* The start of all names. */}}
{{- define "eseal.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The templates below take a dict: root (the chart's context), name (the program), values (its values), and where
     they say so migrate (whether it is the Job that migrates). */}}

{{/* What selects a program's pods: never changed, since a Deployment's selector can't be. The Job's pods differ. */}}
{{- define "eseal.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}{{ if .migrate }}-migrate{{ end }}
{{- end -}}

{{- define "eseal.labels" -}}
{{ include "eseal.selector" . }}
app.kubernetes.io/part-of: eseal
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "eseal.image" -}}
{{- $image := .root.Values.image -}}
{{- if $image.registry }}{{ $image.registry }}/{{ end -}}
{{ $image.repository }}/{{ .name }}:{{ default .root.Chart.AppVersion $image.tag }}
{{- end -}}

{{- define "eseal.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "eseal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where pods may run, and from where their images come. */}}
{{- define "eseal.scheduling" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.pods.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.pods.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.pods.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The services that have `name` in one of their allow-lists: whom it may call. As words with a space between. */}}
{{- define "eseal.calls" -}}
{{- $caller := printf "%s.eseal" .name -}}
{{- $callees := list -}}
{{- range $callee, $values := .root.Values.services -}}
{{- range $rpcs, $callers := $values.allow -}}
{{- if has $caller $callers }}{{ $callees = append $callees $callee }}{{ end -}}
{{- end -}}
{{- end -}}
{{- without ($callees | uniq) .name | sortAlpha | join " " -}}
{{- end -}}

{{/* The programs of eseal that may call the service `name`. As words with a space between. */}}
{{- define "eseal.callers" -}}
{{- $callers := list -}}
{{- range $rpcs, $names := .values.allow -}}
{{- range $names }}{{ $callers = append $callers (trimSuffix ".eseal" .) }}{{ end -}}
{{- end -}}
{{- $callers | uniq | sortAlpha | join " " -}}
{{- end -}}

{{/* Makes a resource a hook that runs before an installation or an upgrade; takes its weight. */}}
{{- define "eseal.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}

{{/* Rules of egress to what is outside of eseal. Takes network (values) and to (which of them); DNS is always there. */}}
{{- define "eseal.egress" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
  {{- with .network.dns }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- range .to }}
{{- $target := get $.network . }}
# {{ . }}
- ports: [{port: {{ $target.port }}, protocol: TCP}]
  {{- with $target.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A Certificate of cert-manager: root, name (of the program), secret, usages, hook. */}}
{{- define "eseal.certificate" -}}
{{- $manager := .root.Values.certManager -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ .secret }}
  labels:
    {{- include "eseal.labels" . | nindent 4 }}
  {{- if .hook }}
  annotations:
    {{- include "eseal.hook" "-20" | nindent 4 }}
  {{- end }}
spec:
  secretName: {{ .secret }}
  commonName: {{ .name }}.eseal
  subject:
    organizations: [eseal]
  dnsNames:
    - {{ .name }}.eseal
  usages: {{ toJson .usages }}
  duration: {{ $manager.duration }}
  renewBefore: {{ $manager.renewBefore }}
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
  issuerRef:
    name: {{ required "certManager.issuerRef.name: the issuer of the services' certificates" $manager.issuerRef.name }}
    kind: {{ $manager.issuerRef.kind }}
    group: {{ $manager.issuerRef.group }}
{{- end -}}
