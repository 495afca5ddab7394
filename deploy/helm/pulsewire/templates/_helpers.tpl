{{- define "pulsewire.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "pulsewire.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/name: pulsewire
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Of one role; with a line, of the push nodes of that. */}}
{{- define "pulsewire.selector" -}}
app.kubernetes.io/name: pulsewire
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- with .line }}
pulsewire/line: {{ . }}
{{- end }}
{{- end }}

{{/*
The files of secrets: which of the values, by what key and file name, for which roles. A role is given what it reads, and no more.
A certificate comes with its key; where an authority goes with it, as `ca.crt`, it is in the same secret.
*/}}
{{- define "pulsewire.secrets" -}}
{{- $of := .Values.secrets -}}
{{- $all := list "push" "gateway" "balancer" "pulse" -}}
files:
{{- range $each := list
  (list "operator" "operator" $all)
  (list "inner" "inner" (list "push" "gateway"))
  (list "probe" "probe" (list "gateway" "balancer"))
  (list "admin" "admin" (list "balancer"))
  (list "kafkaPassword" "kafka-password" $all)
  (list "kafkaCa" "kafka-ca.crt" $all)
  (list "gatewayCa" "gateway-ca.crt" (list "balancer")) }}
{{- with index $of (first $each) }}{{ if .name }}
  - { name: {{ .name | quote }}, items: [{ key: {{ .key | quote }}, path: {{ index $each 1 }} }], roles: {{ last $each | toJson }} }
{{- end }}{{ end }}
{{- end }}
{{- range $each := list
  (list "gatewayTls" "gateway-tls" (list "gateway") false)
  (list "balancerTls" "balancer-tls" (list "balancer") false)
  (list "pushTls" "push-tls" (list "push") $of.pushTls.clientCa)
  (list "innerTls" "inner-tls" (list "gateway") true)
  (list "kafkaTls" "kafka-tls" $all false) }}
{{- $file := index $each 1 }}
{{- with index $of (first $each) }}{{ if .name }}
  - { name: {{ .name | quote }}, items: [{ key: tls.crt, path: {{ $file }}.crt }, { key: tls.key, path: {{ $file }}.key }{{ if last $each }}, { key: ca.crt, path: {{ $file }}-ca.crt }{{ end }}], roles: {{ index $each 2 | toJson }} }
{{- end }}{{ end }}
{{- end }}
{{- end }}

{{/* The configuration of a role: what all share, what the chart must set, what the values say of the role. */}}
{{- define "pulsewire.config" -}}
{{- $values := .root.Values -}}
{{- $own := deepCopy (index $values .role).settings -}}
{{- $ports := dict "push" 8081 "gateway" 8080 "balancer" 8070 -}}
{{- $secrets := "/run/secrets/pulsewire" -}}
{{- if and (ne .role "pulse") (index $values.secrets (printf "%sTls" .role)).name -}}
{{- $tls := dict "certFile" (printf "%s/%s-tls.crt" $secrets .role) "keyFile" (printf "%s/%s-tls.key" $secrets .role) -}}
{{- if and (eq .role "push") $values.secrets.pushTls.clientCa }}{{ $_ := set $tls "clientCaFile" (printf "%s/push-tls-ca.crt" $secrets) }}{{ end -}}
{{- $own = mergeOverwrite (dict "tls" $tls) $own -}}
{{- end -}}
{{- if and $values.secrets.gatewayCa.name (eq .role "balancer") }}{{ $own = mergeOverwrite (dict "gatewayCaFile" (printf "%s/gateway-ca.crt" $secrets)) $own }}{{ end -}}
{{- if $values.secrets.probe.name -}}
{{- if eq .role "gateway" }}{{ $own = mergeOverwrite (dict "access" (dict "probeSecretFile" (printf "%s/probe" $secrets))) $own }}{{ end -}}
{{- if eq .role "balancer" }}{{ $own = mergeOverwrite (dict "probeSecretFile" (printf "%s/probe" $secrets)) $own }}{{ end -}}
{{- end -}}
{{- if and $values.secrets.admin.name (eq .role "balancer") }}{{ $own = mergeOverwrite (dict "admin" (dict "secretFile" (printf "%s/admin" $secrets))) $own }}{{ end -}}
{{- with index $ports .role }}{{ $own = mergeOverwrite (dict "listen" (dict "port" .)) $own }}{{ end -}}
{{- $config := deepCopy $values.common -}}
{{- $_ := set $config "node" (dict "zone" $values.zone "track" $values.track "production" $values.production) -}}
{{- $_ := set $config "shutdown" $values.shutdown -}}
{{- if or (eq .role "push") (eq .role "pulse") }}{{ $_ := set $config "feeds" (required "feeds: which topics are to be served?" $values.feeds) }}{{ end -}}
{{- if $own }}{{ $_ := set $config .role $own }}{{ end -}}
{{- if and (eq .role "balancer") $values.balancer.console.enabled }}{{ $_ := set $config "console" (dict "enabled" true "listen" (dict "host" "127.0.0.1" "port" 8090)) }}{{ end -}}
{{- if $values.secrets.operator.name }}{{ $_ := set $config "operator" (dict "secretFile" (printf "%s/operator" $secrets)) }}{{ end -}}
{{- $inner := dict -}}
{{- if and $values.secrets.inner.name (or (eq .role "push") (eq .role "gateway")) }}{{ $_ := set $inner "secretFile" (printf "%s/inner" $secrets) }}{{ end -}}
{{- if and $values.secrets.innerTls.name (eq .role "gateway") }}{{ $inner = merge $inner (dict "certFile" (printf "%s/inner-tls.crt" $secrets) "keyFile" (printf "%s/inner-tls.key" $secrets) "caFile" (printf "%s/inner-tls-ca.crt" $secrets)) }}{{ end -}}
{{- with $inner }}{{ $_ := set $config "inner" . }}{{ end -}}
{{- if $values.secrets.kafkaCa.name }}{{ $_ := set $config.log "tls" (mergeOverwrite (dict "enabled" true "caFile" (printf "%s/kafka-ca.crt" $secrets)) (default dict $config.log.tls)) }}{{ end -}}
{{- if $values.secrets.kafkaTls.name }}{{ $_ := set $config.log "tls" (mergeOverwrite (dict "enabled" true "certFile" (printf "%s/kafka-tls.crt" $secrets) "keyFile" (printf "%s/kafka-tls.key" $secrets)) (default dict $config.log.tls)) }}{{ end -}}
{{- if and $values.secrets.kafkaPassword.name $config.log.sasl }}{{ $_ := set $config.log.sasl "passwordFile" "/run/secrets/pulsewire/kafka-password" }}{{ end -}}
{{- $_ := required "common.log.brokers: where is Kafka?" (first (default (list "") $config.log.brokers)) -}}
{{- toYaml $config -}}
{{- end }}

{{/* What every pod has, whatever its role. Arguments: root, role, line (of push nodes), advertise, ports. */}}
{{- define "pulsewire.pod" -}}
{{- $values := .root.Values -}}
{{- $of := index $values .role -}}
metadata:
  labels:
    {{- include "pulsewire.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    {{- with .line }}
    pulsewire/line: {{ . }}
    {{- end }}
    pulsewire/track: {{ $values.track }}
  annotations:
    # A change of the configuration starts the pods anew, one after the other.
    checksum/config: {{ include "pulsewire.config" (dict "root" .root "role" .role) | sha256sum }}
spec:
  serviceAccountName: {{ include "pulsewire.name" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # Draining, closing, and a little more.
  terminationGracePeriodSeconds: {{ add 10 (div (add (int $values.shutdown.drainDeadlineMs) (int $values.shutdown.closeDeadlineMs)) 1000) }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    seccompProfile: { type: RuntimeDefault }
  {{- with $of.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $of.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: { matchLabels: {{ include "pulsewire.selector" (dict "root" .root "role" .role) | fromYaml | toJson }} }
    {{- if $values.spreadOverZones }}
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: { matchLabels: {{ include "pulsewire.selector" (dict "root" .root "role" .role) | fromYaml | toJson }} }
    {{- end }}
  containers:
    - name: pulsewire
      image: "{{ $values.image.repository }}:{{ default .root.Chart.AppVersion $values.image.tag }}"
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [{{ .role }}, --config, /etc/pulsewire/{{ .role }}.yaml]
      env:
        - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
        - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
        - { name: PULSEWIRE_NODE_ID, value: $(POD_NAME) }
        {{- with .line }}
        - { name: PULSEWIRE_NODE_LINE, value: {{ . }} }
        {{- end }}
        {{- with .advertise }}
        - { name: PULSEWIRE_NODE_ADVERTISE, value: {{ . | quote }} }
        {{- end }}
        {{- with $values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- range $name, $port := .ports }}
        - { name: {{ $name }}, containerPort: {{ $port }} }
        {{- end }}
        - { name: probes, containerPort: 8099 }
      # None of the probes asks Kafka anything: a node whose Kafka is gone keeps its clients and tells them. The first fails
      # only while the event loop is blocked; the node's own watchdog ends the process before it does.
      livenessProbe:
        httpGet: { path: /live, port: probes }
        periodSeconds: 5
        timeoutSeconds: 2
        failureThreshold: 4
      # Fails while the node warms up, drains, or has a stage past its deadline: no new clients then, the old ones stay.
      readinessProbe:
        httpGet: { path: /ready, port: probes }
        periodSeconds: 1
        timeoutSeconds: 1
        failureThreshold: 2
      startupProbe:
        httpGet: { path: /live, port: probes }
        periodSeconds: 1
        failureThreshold: 60
      resources: {{ toYaml $of.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: config, mountPath: /etc/pulsewire, readOnly: true }
        # Outlives a restart of the container, so that a report can be fetched.
        - { name: reports, mountPath: /var/lib/pulsewire }
        - { name: secrets, mountPath: /run/secrets/pulsewire, readOnly: true }
        {{- with $of.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: { name: {{ include "pulsewire.name" .root }} }
    - name: reports
      emptyDir: { sizeLimit: 64Mi }
    {{- with $of.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- range (include "pulsewire.secrets" .root | fromYaml).files }}
          {{- if has $.role .roles }}
          - secret: { name: {{ .name | quote }}, items: {{ .items | toJson }} }
          {{- end }}
          {{- end }}
          # A projected volume must have a source; this one holds nothing secret.
          - downwardAPI: { items: [{ path: pod, fieldRef: { fieldPath: metadata.name } }] }
{{- end }}
