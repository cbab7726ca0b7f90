"""The errors that a load ends with: numbers, names, and the texts that QEMU has from the C library."""

from __future__ import annotations

__all__ = ["NAMES", "TEXTS", "in_english"]

TEXTS = {
    "EPERM": "Operation not permitted",
    "ENOENT": "No such file or directory",
    "EIO": "Input/output error",
    "EINVAL": "Invalid argument",
}
NAMES = {-1: "EPERM", -2: "ENOENT", -5: "EIO", -22: "EINVAL"}  # what load functions return

# A QEMU with a GTK window speaks the user's language, and so does the C library then (its own translations).
TRANSLATED = {
    "Operation not permitted": (
        "Operace není povolena", "Die Operation ist nicht erlaubt", "Operación no permitida",
        "Opération non permise", "Operazione non permessa", "許可されていない操作です", "명령을 허용하지 않음",
        "Actie is niet toegestaan", "Operacja niedozwolona", "Operação não permitida",
        "Операция не позволена", "Operationen inte tillåten", "İşleme izin verilmedi",
        "Дію заборонено", "不允许的操作", "此項操作並不被允許",
    ),
    "No such file or directory": (
        "Adresář nebo soubor neexistuje", "Datei oder Verzeichnis nicht gefunden",
        "No existe el fichero o el directorio", "Aucun fichier ou dossier de ce type",
        "File o directory non esistente", "そのようなファイルやディレクトリはありません", "그런 파일이나 디렉터리가 없습니다",
        "Bestand of map bestaat niet", "Nie ma takiego pliku ani katalogu",
        "Ficheiro ou pasta inexistente", "Arquivo ou diretório inexistente",
        "Нет такого файла или каталога", "Filen eller katalogen finns inte",
        "Böyle bir dosya ya da dizin yok", "Немає такого файла або каталогу", "没有那个文件或目录",
        "沒有此一檔案或目錄",
    ),
    "Input/output error": (
        "Chyba vstupu/výstupu", "Eingabe-/Ausgabefehler", "Error de entrada/salida",
        "Erreur d'entrée/sortie", "Errore di input/output", "入力/出力エラーです", "입력/출력 오류",
        "Invoer-/uitvoerfout", "Błąd wejścia/wyjścia", "Erro de entrada/saída",
        "Ошибка ввода/вывода", "In/ut-fel", "Girdi/Çıktı hatası", "Помилка введення-виведення",
        "输入/输出错误", "輸入/輸出錯誤",
    ),
    "Invalid argument": (
        "Nepřípustný argument", "Das Argument ist ungültig", "Argumento inválido",
        "Argument invalide", "Argomento non valido", "無効な引数です", "부적절한 인수", "Ongeldig argument",
        "Zły argument", "Недопустимый аргумент", "Ogiltigt argument", "Geçersiz argüman",
        "Некоректний аргумент", "无效的参数", "不適用的引數",
    ),
    "Operation not supported": (
        "Operace není podporována", "Die Operation wird nicht unterstützt",
        "La operación no está soportada", "Opération non supportée", "Operazione non supportata",
        "サポートされていない操作です", "명령을 지원하지 않음", "Actie wordt niet ondersteund",
        "Operacja nie obsługiwana", "Operação não suportada", "Operação sem suporte",
        "Неподдерживаемая операция", "Operationen stöds ej", "İşlem desteklenmiyor",
        "Дія не підтримується", "不支持的操作", "此項操作並不被支援",
    ),
    "Cannot allocate memory": (
        "Nelze alokovat paměť", "Nicht genügend Hauptspeicher verfügbar",
        "No se pudo asignar memoria", "Ne peut allouer de la mémoire",
        "Impossibile allocare memoria", "メモリを確保できません", "메모리를 할당할 수 없습니다",
        "Onvoldoende geheugen beschikbaar", "Nie można przydzielić pamięci",
        "Impossível alocar memória", "Não foi possível alocar memória",
        "Невозможно выделить память", "Kan inte allokera minne", "Bellek ayrılamadı",
        "Не вдалося розподілити пам’ять", "无法分配内存", "無法配置記憶體",
    ),
}  # fmt: skip


def in_english(words: str) -> str:
    """The C library's own text of the error that words begin with, whatever language they are in; else the words."""
    for text, translated in TRANSLATED.items():
        if words.startswith(translated):
            return text
    return words
