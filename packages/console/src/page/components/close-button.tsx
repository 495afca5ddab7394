export function CloseButton({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button type="button" class="close" aria-label={label} onClick={onClick}>
      ×
    </button>
  )
}
