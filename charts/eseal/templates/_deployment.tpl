{{/* The Deployment of a service or of the gateway. */}}
{{- define "eseal.deployment" -}}
{{- $pods := .root.Values.pods -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "eseal.fullname" .root }}-{{ .name }}
  labels:
    {{- include "eseal.labels" . | nindent 4 }}
spec:
  replicas: {{ .values.replicas }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "eseal.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "eseal.labels" . | nindent 8 }}
        {{- with $pods.labels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ include (ternary "eseal.config.gateway" "eseal.config" (eq .name "gateway")) . | sha256sum }}
        {{- with $pods.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "eseal.fullname" .root }}-{{ .name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $pods.terminationGracePeriodSeconds }}
      securityContext:
        {{- include "eseal.podSecurity" . | nindent 8 }}
      topologySpreadConstraints:
        {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "eseal.selector" $ | nindent 14 }}
        {{- end }}
      {{- with include "eseal.scheduling" . }}
      {{- . | nindent 6 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "eseal.image" . }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [serve, --config, /etc/eseal/config.toml]
          securityContext:
            {{- include "eseal.containerSecurity" . | nindent 12 }}
          ports:
            - {name: grpc, containerPort: 7443}
            - {name: probe, containerPort: 7080}
          # As long as it may wait for its database, and some.
          startupProbe:
            httpGet: {path: /healthz, port: probe}
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /healthz, port: probe}
            periodSeconds: 10
            timeoutSeconds: 3
            failureThreshold: 3
          # Depends on the database. A bus that is away takes no pod away: commands are taken, and events wait.
          readinessProbe:
            httpGet: {path: /readyz, port: probe}
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          # Callers learn that it goes before it stops to take their calls.
          lifecycle:
            preStop:
              sleep: {seconds: 5}
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            {{- include (ternary "eseal.mounts.gateway" "eseal.mounts" (eq .name "gateway")) . | nindent 12 }}
      volumes:
        {{- include (ternary "eseal.volumes.gateway" "eseal.volumes" (eq .name "gateway")) . | nindent 8 }}
{{- end -}}
